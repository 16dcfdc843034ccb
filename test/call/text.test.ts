import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { generateText, streamText, type TextReply } from "../../src/call/text.ts"
import { Overloaded } from "../../src/claude/ClaudeError.ts"
import type { Message } from "../../src/claude/Reply.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"
import { message } from "../fixtures.ts"

describe("generateText", () => {
  it.effect("returns the text, its cost and its origin", () =>
    Effect.gen(function* () {
      const reply = yield* generateText("Hi")
      assert.strictEqual(reply.text, "Hello, you there.")
      assert.deepInclude(reply.usage, { input: 10, output: 20 })
      assert.strictEqual(reply.cost && BigDecimal.format(reply.cost), "0.00022")
      assert.deepInclude(reply, { requestId: "req_test_1", origin: "api" })
      assert.deepStrictEqual(reply.message, message())
    }).pipe(Effect.provide(TestClaude.layer(message())))
  )

  it.effect("returns no cost for a model without a known price", () =>
    Effect.gen(function* () {
      assert.isUndefined((yield* generateText({ model: "claude-of-tomorrow", messages: [] })).cost)
    }).pipe(Effect.provide(TestClaude.layer("Hello.")))
  )

  it.effect("reports the category of a refusal if the API names one", () =>
    Effect.gen(function* () {
      const { reason } = yield* Effect.flip(generateText("Hi"))
      assert.strictEqual(reason._tag === "Refused" && reason.category, "cyber")
    }).pipe(
      Effect.provide(
        TestClaude.layer({
          ...half("refusal"),
          stop_details: { type: "refusal", category: "cyber", explanation: null }
        })
      )
    )
  )

  it.effect("fails with the error of the call", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(generateText("Hi"))).reason._tag, "Overloaded")
    }).pipe(Effect.provide(TestClaude.layer(new Overloaded({ detail: "later" }))))
  )
})

describe("streamText", () => {
  it.effect("emits the pieces as they arrive", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Stream.runCollect(streamText("Hi")), ["One", " two", " three."])
    }).pipe(Effect.provide(TestClaude.layer("One two three.")))
  )

  it.effect("calls onFinish with the answer of generateText before it ends", () =>
    Effect.gen(function* () {
      const log: Array<string | TextReply> = []
      const text = streamText("Hi", { onFinish: (reply) => Effect.sync(() => log.push(reply)) })
      yield* Stream.runForEach(text, (piece) => Effect.sync(() => log.push(piece)))
      const { requestId: _, ...expected } = yield* generateText("Hi")
      assert.deepStrictEqual(log.slice(0, 3), ["Hello,", " you", " there."])
      assert.deepStrictEqual(log.slice(3), [{ ...expected, requestId: "req_test_1" }])
    }).pipe(Effect.provide(TestClaude.layer(message())))
  )

  it.effect("fails with the error of onFinish", () =>
    Effect.gen(function* () {
      const text = streamText("Hi", { onFinish: () => Effect.fail("full") })
      assert.strictEqual(yield* Effect.flip(Stream.runDrain(text)), "full")
    }).pipe(Effect.provide(TestClaude.layer("Hello.")))
  )

  it.effect("fails after its last piece if the answer is truncated, and does not run onFinish", () =>
    Effect.gen(function* () {
      const pieces: Array<string> = []
      const text = streamText("Hi", { onFinish: () => Effect.die("finished") })
      const { reason } = yield* Effect.flip(Stream.runForEach(text, (piece) => Effect.sync(() => pieces.push(piece))))
      assert.deepStrictEqual(pieces, ["Half"])
      assert.strictEqual(reason._tag, "OutputTruncated")
      assert.deepInclude({ ...reason }, { text: "Half" })
    }).pipe(Effect.provide(TestClaude.layer(half("max_tokens"))))
  )

  it.effect("does not run onFinish if its consumer stops early", () =>
    Effect.gen(function* () {
      const text = streamText("Hi", { onFinish: () => Effect.die("finished") })
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(text, 1)), ["One"])
    }).pipe(Effect.provide(TestClaude.layer("One two three.")))
  )

  it.effect("makes a new call each time it runs", () =>
    Effect.gen(function* () {
      const text = streamText("Hi")
      assert.deepStrictEqual(yield* Stream.runCollect(text), ["first"])
      assert.deepStrictEqual(yield* Stream.runCollect(text), ["second"])
    }).pipe(Effect.provide(TestClaude.layer(["first", "second"])))
  )
})

// Builders

/** A message with the text "Half" that stops for this reason. */
const half = (stop_reason: NonNullable<Message["stop_reason"]>) => message({ ...message("Half"), stop_reason })
