import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { countTokens, create, stream } from "../../src/call/message.ts"
import * as Request from "../../src/claude/Request.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"

describe("create, stream and countTokens", () => {
  it.effect("return a refusal as an answer", () =>
    Effect.gen(function* () {
      const { message } = yield* create("Hi")
      const events = yield* Stream.runCollect(stream("Hi"))
      assert.strictEqual(message.stop_reason, "refusal")
      assert.deepStrictEqual([events.at(0)?.type, events.at(-1)?.type], ["stream_start", "message_stop"])
      assert.strictEqual(yield* countTokens("Hi, Claude"), 3)
    }).pipe(Effect.provide(TestClaude.layer({ content: [], stop_reason: "refusal" })))
  )

  it.effect("fill in the defaults", () =>
    Effect.gen(function* () {
      yield* create("Hi")
      yield* Stream.runDrain(stream({ messages: [{ role: "user", content: "Hi" }], max_tokens: 7 }))
      const [created, streamed] = yield* TestClaude.calls
      assert.deepStrictEqual(created, Request.fill("Hi", { model: "claude-haiku-5-5", max_tokens: 10 }))
      assert.deepStrictEqual(streamed, Request.fill("Hi", { model: "claude-haiku-5-5", max_tokens: 7 }))
    }).pipe(
      Effect.provideService(Request.Defaults, { model: "claude-haiku-5-5", max_tokens: 10 }),
      Effect.provide(TestClaude.layer("Hello."))
    )
  )
})
