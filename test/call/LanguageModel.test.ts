import type { Anthropic } from "@anthropic-ai/sdk"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Chat from "effect/ai/Chat"
import * as Ai from "effect/ai/LanguageModel"
import * as Model from "effect/ai/Model"
import * as LanguageModel from "../../src/call/LanguageModel.ts"
import type { Claude } from "../../src/claude/Claude.ts"
import { InvalidRequest, Overloaded } from "../../src/claude/ClaudeError.ts"
import * as Redact from "../../src/claude/Redact.ts"
import { Defaults } from "../../src/claude/Request.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"
import { message, searched, thinking } from "../fixtures.ts"

describe("generateText", () => {
  it.effect("returns the text, why it ended, and the tokens of the prompt cache and of thinking", () =>
    Effect.gen(function* () {
      const response = yield* Ai.generateText({ prompt: "Hi" })
      assert.strictEqual(response.text, "Hello, you there.")
      assert.strictEqual(response.finishReason, "stop")
      const { inputTokens, outputTokens } = response.usage
      assert.deepStrictEqual(inputTokens, { uncached: 10, total: 1360, cacheRead: 1000, cacheWrite: 350 })
      assert.deepStrictEqual(outputTokens, { total: 20, text: 13, reasoning: 7 })
    }).pipe(Effect.provide(over([message({ content: ["Hello, you there."], usage: cachedUsage })])))
  )

  it.effect("returns the ids of the request and of the message, and the cost in the metadata", () =>
    Effect.gen(function* () {
      const { content } = yield* Ai.generateText({ prompt: "Hi" })
      const [first, last] = [content.at(0), content.at(-1)]
      assert(first?.type === "response-metadata" && last?.type === "finish")
      assert.strictEqual(first.id, "msg_1")
      assert.strictEqual(first.modelId, "claude-sonnet-5-5")
      assert.deepStrictEqual(first.metadata.anthropic, { requestId: "req_test_1", origin: "api" })
      assert.strictEqual(last.metadata.anthropic?.stopReason, "end_turn")
      assert.isTrue(BigDecimal.isPositive(BigDecimal.fromStringUnsafe(last.metadata.anthropic?.cost ?? "")))
    }).pipe(Effect.provide(over([message()])))
  )

  it.effect("continues a paused turn, and counts all its calls", () =>
    Effect.gen(function* () {
      const response = yield* Ai.generateText({ prompt: "Hi" })
      assert.strictEqual(response.text, "One. Two.")
      assert.strictEqual(response.finishReason, "stop")
      assert.strictEqual(response.usage.outputTokens.total, 40)
      assert.lengthOf(yield* TestClaude.calls, 2)
    }).pipe(
      Effect.provide(over([message({ content: ["One. "], stop_reason: "pause_turn" }), message({ content: ["Two."] })]))
    )
  )

  it.effect("asks the model of Defaults, of the layer or of the Model", () =>
    Effect.gen(function* () {
      const claude = TestClaude.layer("Hello")
      const asked = (model: Layer.Layer<Ai.LanguageModel, never, Claude>) =>
        Effect.gen(function* () {
          yield* Ai.generateText({ prompt: "Hi" })
          return (yield* TestClaude.calls).map(({ max_tokens, model }) => `${model} ${max_tokens}`)
        }).pipe(
          Effect.provide(model.pipe(Layer.provideMerge(claude))),
          Effect.provideService(Defaults, { model: "claude-opus-5-5", max_tokens: 9 })
        )
      assert.deepStrictEqual(yield* asked(LanguageModel.layer()), ["claude-opus-5-5 9"])
      assert.deepStrictEqual(yield* asked(LanguageModel.layer({ model: "claude-haiku-5-5" })), ["claude-haiku-5-5 9"])
      const model = LanguageModel.model("claude-haiku-5-5", { max_tokens: 7 })
      assert.deepStrictEqual(yield* asked(model), ["claude-haiku-5-5 7"])
      const name = yield* Effect.provide(Model.ModelName, model.pipe(Layer.provide(claude)))
      assert.strictEqual(name, "claude-haiku-5-5")
    })
  )

  it.effect("fails with the error of effect/ai, which keeps ours", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Ai.generateText({ prompt: "Hi" }))
      assert.strictEqual(error.reason._tag, "InternalProviderError")
      assert.isTrue(error.isRetryable)
      assert.include(error.message, "Overloaded (529)")
      const ours = Option.getOrThrow(LanguageModel.claudeError(error))
      assert.strictEqual(ours.reason._tag, "Overloaded")
    }).pipe(Effect.provide(over([new Overloaded({ detail: "Overloaded", status: 529 })])))
  )

  it.effect("redacts errors with the redactor of the fiber", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Ai.generateText({ prompt: "Hi" }))
      assert.include(error.message, "patient [redacted]")
      assert.notInclude(JSON.stringify(error), "Ms Jones")
    }).pipe(
      Effect.provide(over([new InvalidRequest({ detail: "patient Ms Jones", status: 400 })])),
      Effect.provideService(Redact.Redactor, Redact.make({ patterns: [/Ms Jones/] }))
    )
  )
})

describe("streamText", () => {
  it.effect("has an end for every start, no empty delta, and the same text as generateText", () =>
    Effect.gen(function* () {
      const parts = yield* Stream.runCollect(Ai.streamText({ prompt: "Hi" }))
      const kinds = parts.map(({ type }) => type)
      assert.deepStrictEqual(kinds, [
        "response-metadata",
        "reasoning-start",
        "reasoning-delta",
        "reasoning-end",
        "reasoning-start",
        "reasoning-end",
        "text-start",
        "text-end",
        "text-start",
        "text-end",
        "text-start",
        "text-delta",
        "text-delta",
        "text-end",
        "source",
        "finish"
      ])
      const text = parts.map((part) => (part.type === "text-delta" ? part.delta : "")).join("")
      assert.strictEqual(text, "Hello you.")
    }).pipe(Effect.provide(over([everything])))
  )

  it.effect("continues a paused turn in one stream with one finish", () =>
    Effect.gen(function* () {
      const parts = yield* Stream.runCollect(Ai.streamText({ prompt: "Hi" }))
      assert.strictEqual(parts.map((part) => (part.type === "text-delta" ? part.delta : "")).join(""), "One. Two.")
      const ids = parts.flatMap((part) => (part.type === "text-start" ? [part.id] : []))
      assert.deepStrictEqual(ids, ["0", "1"])
      const last = parts.at(-1)
      assert(last?.type === "finish")
      assert.strictEqual(last.usage.outputTokens.total, 40)
    }).pipe(
      Effect.provide(over([message({ content: ["One. "], stop_reason: "pause_turn" }), message({ content: ["Two."] })]))
    )
  )

  it.effect("keeps the text before a failure", () =>
    Effect.gen(function* () {
      let text = ""
      const error = yield* Ai.streamText({ prompt: "Hi" }).pipe(
        Stream.runForEach((part) => Effect.sync(() => part.type === "text-delta" && (text += part.delta))),
        Effect.flip
      )
      assert.strictEqual(text, "Hello, ")
      assert.strictEqual(error.reason._tag, "InternalProviderError")
    }).pipe(
      Effect.provide(over(Stream.concat(Stream.make("Hello, "), Stream.fail(new Overloaded({ detail: "Overloaded" })))))
    )
  )
})

describe("Chat", () => {
  for (const method of ["generateText", "streamText"] as const) {
    it.effect(`${method} sends the blocks of an answer back byte for byte, also after exportJson`, () =>
      Effect.gen(function* () {
        const chat = yield* Chat.empty
        if (method === "generateText") yield* chat.generateText({ prompt: "Hi" })
        else yield* Stream.runDrain(chat.streamText({ prompt: "Hi" }))
        const restored = yield* Chat.fromJson(yield* chat.exportJson)
        yield* restored.generateText({ prompt: "And?" })
        const [, second] = yield* TestClaude.calls
        const answer = second?.messages.find(({ role }) => role === "assistant")
        assert.deepStrictEqual<unknown>(answer?.content, everything.content)
      }).pipe(Effect.provide(over([everything, "Yes."])))
    )
  }
})

// Builders

const over = (reply: TestClaude.Reply) => LanguageModel.layer().pipe(Layer.provideMerge(TestClaude.layer(reply)))

const cachedUsage: Partial<Anthropic.Usage> = {
  cache_read_input_tokens: 1000,
  cache_creation_input_tokens: 350,
  output_tokens_details: { thinking_tokens: 7 }
}

const cited: Anthropic.TextBlock = {
  type: "text",
  text: "Hello you.",
  citations: [
    {
      type: "web_search_result_location",
      cited_text: "Hello",
      encrypted_index: "x",
      title: null,
      url: "https://example.com/"
    }
  ]
}

/** An answer with a block of every kind that must come back unchanged. */
const everything = message({
  content: [thinking, { type: "redacted_thinking", data: "secret" }, ...searched, cited]
})
