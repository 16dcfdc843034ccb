import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Chat from "effect/ai/Chat"
import * as Ai from "effect/ai/LanguageModel"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as LanguageModel from "../../src/call/LanguageModel.ts"
import * as Emulator from "../../src/testing/Emulator.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"
import { message, searched, Tree } from "../fixtures.ts"

const Letter = Schema.Struct({
  sender: Schema.String,
  lines: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 })),
  counts: Schema.optionalKey(Schema.Record(Schema.String, Schema.Int)),
  size: Schema.optionalKey(Schema.Tuple([Schema.Int, Schema.Int])),
  date: Schema.NullOr(Schema.DateTimeUtcFromString)
})
const letter: typeof Letter.Type = { sender: "Ann", lines: 3, counts: { stamps: 2 }, size: [10, 20], date: null }

describe("generateObject", () => {
  it.effect("decodes optional maps and tuples, which the API has no form for", () =>
    Effect.gen(function* () {
      const { value } = yield* Ai.generateObject({ prompt: "Read it.", schema: Letter })
      assert.deepStrictEqual(value, letter)
      const [request] = yield* TestClaude.calls
      assert.strictEqual(request?.output_config?.format?.type, "json_schema")
    }).pipe(Effect.provide(over([TestClaude.object(Letter, letter)])))
  )

  it.effect("refuses a document with citations before a call", () =>
    Effect.gen(function* () {
      const options = { anthropic: { citations: { enabled: true } } }
      const file = { type: "file" as const, mediaType: "text/plain", data: "data:text/plain,hi", options }
      const prompt = [{ role: "user" as const, content: [file] }]
      const error = yield* Effect.flip(Ai.generateObject({ prompt, schema: Letter }))
      assert.include(error.message, "documents with citations cannot be asked for a value")
      assert.lengthOf(yield* TestClaude.calls, 0)
    }).pipe(Effect.provide(over([])))
  )

  it.effect("decodes what the emulator answers by the schema that was sent", () =>
    Effect.gen(function* () {
      const { text, value } = yield* Ai.generateObject({ prompt: "Read it.", schema: Letter })
      assert.isAtLeast(value.lines, 1)
      assert.isTrue(text.startsWith("{"))
    }).pipe(Effect.provide(LanguageModel.layer().pipe(Layer.provide(Emulator.layer()))))
  )

  it.effect("repairs an answer that is not JSON, without a call", () =>
    Effect.gen(function* () {
      const { value } = yield* Ai.generateObject({ prompt: "Read it.", schema: Letter })
      assert.deepStrictEqual(value, letter)
    }).pipe(Effect.provide(over(["```json\n" + TestClaude.object(Letter, letter) + "\n```"])))
  )

  it.effect("asks once more for a value that does not fit, and counts both calls", () =>
    Effect.gen(function* () {
      const { usage, value } = yield* Ai.generateObject({ prompt: "Read it.", schema: Letter })
      assert.deepStrictEqual(value, letter)
      assert.strictEqual(usage.outputTokens.total, 40)
    }).pipe(
      Effect.provide(
        over([message('{"sender":"Ann","lines":400,"date":null}'), message(TestClaude.object(Letter, letter))])
      )
    )
  )

  it.effect("fails with a StructuredOutputError that keeps our error, if the second answer does not fit either", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Ai.generateObject({ prompt: "Read it.", schema: Letter }))
      assert(error.reason._tag === "StructuredOutputError")
      assert.strictEqual(error.reason.responseText, "{}")
      assert.isFalse(error.isRetryable)
      const ours = Option.getOrThrow(LanguageModel.claudeError(error))
      assert(ours.reason._tag === "OutputInvalid")
      assert.strictEqual(ours.reason.usage?.output, 40)
    }).pipe(Effect.provide(over([message("{}"), message("{}")])))
  )

  it.effect("fails with a ContentPolicyError for a refusal, and does not decode an answer that was cut off", () =>
    Effect.gen(function* () {
      const ask = Effect.flip(Ai.generateObject({ prompt: "Read it.", schema: Letter }))
      assert.strictEqual((yield* ask).reason._tag, "ContentPolicyError")
      assert.match((yield* ask).message, /OutputTruncated: .+ raise max_tokens/)
    }).pipe(
      Effect.provide(
        over([
          message({ content: [""], stop_reason: "refusal" }),
          message({ content: [TestClaude.object(Letter, letter)], stop_reason: "max_tokens" })
        ])
      )
    )
  )

  it.effect("refuses a schema that the API cannot take before a call, with its path", () =>
    Effect.gen(function* () {
      const schema = Schema.Struct({ letter: Schema.Struct({ none: Schema.Never }) })
      const error = yield* Effect.flip(Ai.generateObject({ prompt: "Grow one.", schema }))
      assert.strictEqual(error.reason._tag, "UnsupportedSchemaError")
      assert.include(error.message, `["letter"]["none"]`)
    }).pipe(Effect.provide(over([])))
  )

  it.effect("sends a schema that contains itself", () =>
    Effect.gen(function* () {
      const { value } = yield* Ai.generateObject({ prompt: "Grow one.", schema: Tree })
      assert.deepStrictEqual(value, tree)
    }).pipe(Effect.provide(over([message(TestClaude.object(Tree, tree))])))
  )

  it.effect("leaves out the text before a server tool, which is not part of the value", () =>
    Effect.gen(function* () {
      const chat = yield* Chat.empty
      const { value } = yield* chat.generateObject({ prompt: "Search.", schema: Letter })
      assert.deepStrictEqual(value, letter)
    }).pipe(
      Effect.provide(over([message({ content: ["Let me search.", ...searched, TestClaude.object(Letter, letter)] })]))
    )
  )

  it.effect(
    "runs a tool that Claude calls instead, and fails, because effect/ai expects the value in the same answer",
    () =>
      Effect.gen(function* () {
        const tools = Toolkit.make(Tool.make("count", { success: Schema.Int }))
        const runs = yield* Ref.make(0)
        const count = Effect.as(
          Ref.update(runs, (n) => n + 1),
          2
        )
        const toolkit = yield* Effect.provide(tools, tools.toLayer({ count: () => count }))
        const error = yield* Effect.flip(Ai.generateObject({ prompt: "Count.", schema: Letter, toolkit }))
        assert(error._tag === "AiError" && error.reason._tag === "StructuredOutputError")
        assert.strictEqual(error.reason.description, "No text content in response")
        assert.strictEqual(yield* Ref.get(runs), 1)
      }).pipe(Effect.provide(over([called])))
  )
})

// Builders

const over = (reply: TestClaude.Reply) => LanguageModel.layer().pipe(Layer.provideMerge(TestClaude.layer(reply)))

const called = message({
  content: [{ type: "tool_use", id: "toolu_1", name: "count", input: {}, caller: { type: "direct" } }]
})

const tree: Tree = { name: "oak", branches: [{ name: "bough", branches: [{ name: "twig", branches: [] }] }] }
