import { assert, it } from "@effect/vitest"
import { AnthropicClient, Claude, Transport } from "effect-claude"
import { Effect, Layer, Logger, Redacted } from "effect"
import { vi } from "vitest"
import { message, request } from "../fixtures.ts"

it.effect("a deprecated model causes one warning, in Effect's logger and not on the console", () =>
  Effect.gen(function* () {
    const logged: Array<string> = []
    const logger = Logger.make(({ message }) => logged.push(String(message)))
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined)
    const ask = Claude.create({ ...request, model: "claude-sonnet-4-5" })
    yield* Effect.all([ask, ask, ask]).pipe(Effect.provide([claude, Logger.layer([logger])]))
    assert.strictEqual(warn.mock.calls.length, 0)
    warn.mockRestore()
    assert.strictEqual(logged.length, 1)
    assert.include(logged[0], "'claude-sonnet-4-5' is deprecated")
  }).pipe(Effect.provideService(Transport.Transport, () => Promise.resolve(Response.json(message("hi")))))
)

it.effect("a deprecated setting for thinking causes a warning, even after calls with the same fields", () =>
  Effect.gen(function* () {
    const logged: Array<string> = []
    const logger = Logger.make(({ message }) => logged.push(String(message)))
    const ask = (thinking: typeof request.thinking) =>
      Claude.create({ ...request, model: "claude-opus-4-6", ...(thinking && { thinking }) })
    yield* Effect.gen(function* () {
      yield* ask({ type: "adaptive" })
      yield* ask({ type: "adaptive" })
      assert.deepStrictEqual(logged, [])
      yield* ask({ type: "enabled", budget_tokens: 1024 })
    }).pipe(Effect.provide([claude, Logger.layer([logger])]))
    assert.strictEqual(logged.length, 1)
    assert.include(logged[0], "'thinking.type=enabled' is deprecated")
  }).pipe(Effect.provideService(Transport.Transport, () => Promise.resolve(Response.json(message("hi")))))
)

const claude = Claude.layer.pipe(
  Layer.provide(AnthropicClient.layer({ apiKey: Redacted.make("key"), baseURL: "http://127.0.0.1:1" }))
)
