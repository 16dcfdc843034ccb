import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as Fiber from "effect/Fiber"
import { Models } from "effect-claude"
import { Emulator } from "effect-claude/testing"
import * as AnthropicClient from "../../src/claude/AnthropicClient.ts"
import { ClaudeError } from "../../src/claude/ClaudeError.ts"
import { type Fetch, Transport } from "../../src/claude/Transport.ts"
import { failure } from "../fixtures.ts"

describe("Models.lookup", () => {
  it.effect("finds a model of the table before a refresh", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Models.lookup("claude-opus-5-5"), Models.find("claude-opus-5-5"))
      assert.isUndefined(yield* Models.lookup("claude-opus-9"))
    })
  )

  it.effect("finds every model with the limits that the emulator's API lists", () =>
    Effect.gen(function* () {
      for (const { id, maxInputTokens, maxOutputTokens, prices } of Models.all) {
        const found = yield* Models.lookup(id)
        assert.deepInclude(found, { id, maxInputTokens, maxOutputTokens, prices })
      }
      const old = yield* Models.lookup("claude-sonnet-4-5")
      assert.deepInclude(old, { lifecycle: "deprecated", retires: "2026-11-30" })
    }).pipe(Effect.provide(Layer.provide(Models.refresh, Emulator.layer())))
  )
})

describe("Models.refresh", () => {
  it.effect("takes limits, lifecycle and capabilities from the API, and the prices from the table", () =>
    Effect.gen(function* () {
      const model = yield* Models.lookup("claude-opus-5-5")
      assert.deepStrictEqual(model, {
        ...Models.find("claude-opus-5-5"),
        id: "claude-opus-5-5",
        prices: Models.find("claude-opus-5-5")?.prices ?? [],
        maxInputTokens: 2_000_000,
        maxOutputTokens: 256_000,
        lifecycle: "deprecated",
        retires: "2027-05-01",
        capabilities: new Set(["batch", "thinking", "thinking.types.adaptive"])
      })
    }).pipe(Effect.provide(refreshed([opus])))
  )

  it.effect("adds a model that the table lacks, without a price, and keeps one that the API does not list", () =>
    Effect.gen(function* () {
      const added = { id: "claude-opus-9", max_input_tokens: 3_000_000, max_tokens: 300_000, lifecycle: "active" }
      yield* Effect.gen(function* () {
        assert.deepStrictEqual(yield* Models.lookup("claude-opus-9"), {
          id: "claude-opus-9",
          prices: [],
          maxInputTokens: 3_000_000,
          maxOutputTokens: 300_000,
          lifecycle: "active"
        })
        assert.isUndefined(yield* Models.lookup("claude-opus-10"))
        assert.strictEqual(yield* Models.lookup("claude-opus-5"), Models.find("claude-opus-5"))
      }).pipe(Effect.provide(refreshed([added, { id: "claude-opus-10", max_input_tokens: null }])))
    })
  )

  it.effect("applies the facts of a dated id to its other ids", () =>
    Effect.gen(function* () {
      const dated = { id: "claude-haiku-4-5-20251001", lifecycle: "retired", retires_at: "2026-12-01T00:00:00Z" }
      for (const id of ["claude-haiku-4-5", "claude-haiku-4-5-20251001"]) {
        const model = yield* Models.lookup(id).pipe(Effect.provide(refreshed([dated])))
        assert.deepInclude(model, { id, lifecycle: "retired", retires: "2026-12-01", maxInputTokens: 200_000 })
      }
    })
  )

  it.effect("fails with the reason of the API, for JSON that is no list, and after the time of a call", () =>
    Effect.gen(function* () {
      const reasonOf = (fetch: Fetch) =>
        Effect.flip(Layer.build(refresh(fetch))).pipe(
          Effect.scoped,
          Effect.map((error) => (error instanceof ClaudeError ? error.reason : assert.fail(error.message)))
        )
      const denied = yield* reasonOf(() =>
        Promise.resolve(Response.json(failure("authentication_error"), { status: 401 }))
      )
      assert.strictEqual(denied._tag, "Unauthenticated")
      const odd = yield* reasonOf(() => Promise.resolve(Response.json({ data: [{}] })))
      assert.strictEqual(odd._tag, "MalformedResponse")
      const waiting = yield* Effect.forkChild(reasonOf(() => new Promise(() => {})))
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "TimedOut")
    })
  )

  it.effect("is unsupported where the client of a backend cannot list models", () =>
    Effect.gen(function* () {
      const { messages } = yield* AnthropicClient.AnthropicClient
      const backend = AnthropicClient.layerFrom({ messages })
      const { reason } = yield* Effect.flip(Layer.build(Layer.provide(Models.refresh, backend))).pipe(Effect.scoped)
      assert.strictEqual(reason._tag, "Unsupported")
    }).pipe(Effect.provide(Emulator.layer()))
  )
})

const opus = {
  id: "claude-opus-5-5",
  max_input_tokens: 2_000_000,
  max_tokens: 256_000,
  lifecycle: "deprecated",
  retires_at: "2027-05-01T00:00:00Z",
  capabilities: {
    batch: { supported: true },
    citations: { supported: false },
    effort: null,
    thinking: { supported: true, types: { adaptive: { supported: true }, enabled: { supported: false } } }
  }
}

const refresh = (fetch: Fetch) =>
  Models.refresh.pipe(
    Layer.provide(AnthropicClient.layer({ apiKey: Redacted.make("key"), baseURL: "http://unused.invalid" })),
    Layer.provide(Layer.succeed(Transport, fetch))
  )

const refreshed = (data: ReadonlyArray<object>) => refresh(() => Promise.resolve(Response.json({ data })))
