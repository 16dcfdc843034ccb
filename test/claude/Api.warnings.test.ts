import { assert, it } from "@effect/vitest"
import { AnthropicClient, Claude, Transport } from "effect-claude"
import { Effect, Layer, Logger, Redacted } from "effect"
import { vi } from "vitest"
import { message, request } from "../fixtures.ts"

it.effect("a deprecated model causes one warning, in Effect's logger and not on the console", () =>
  Effect.gen(function* () {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined)
    const ask = { model: "claude-sonnet-4-5" }
    const logged = yield* warningsOf(ask, ask, ask)
    assert.strictEqual(warn.mock.calls.length, 0)
    warn.mockRestore()
    assert.strictEqual(logged.length, 1)
    assert.include(logged[0], "'claude-sonnet-4-5' is deprecated")
  })
)

it.effect("a deprecated model causes a warning, even after calls to another model", () =>
  Effect.gen(function* () {
    const other = { model: "claude-sonnet-5-5" }
    const logged = yield* warningsOf(other, other, { model: "claude-opus-4-5" })
    assert.strictEqual(logged.length, 1)
    assert.include(logged[0], "'claude-opus-4-5' is deprecated")
  })
)

it.effect("a deprecated setting for thinking causes a warning, even after calls with the same fields", () =>
  Effect.gen(function* () {
    const model = "claude-opus-4-6"
    const adaptive = { model, thinking: { type: "adaptive" } } as const
    const enabled = { model, thinking: { type: "enabled", budget_tokens: 1024 } } as const
    assert.deepStrictEqual(yield* warningsOf(adaptive, adaptive), [])
    const logged = yield* warningsOf(adaptive, adaptive, enabled)
    assert.strictEqual(logged.length, 1)
    assert.include(logged[0], "'thinking.type=enabled' is deprecated")
  })
)

// Builders

const claude = Claude.layer.pipe(
  Layer.provide(AnthropicClient.layer({ apiKey: Redacted.make("key"), baseURL: "http://127.0.0.1:1" }))
)

/** What calls with these fields, one after the other, log. */
const warningsOf = Effect.fnUntraced(function* (...calls: ReadonlyArray<Partial<typeof request>>) {
  const logged: Array<string> = []
  const logger = Logger.make(({ message }) => logged.push(String(message)))
  yield* Effect.forEach(calls, (fields) => Claude.create({ ...request, ...fields })).pipe(
    Effect.provide([claude, Logger.layer([logger])]),
    Effect.provideService(Transport.Transport, () => Promise.resolve(Response.json(message("hi"))))
  )
  return logged
})
