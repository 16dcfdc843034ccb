import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as StructuredOutput from "../../../src/call/languageModel/StructuredOutput.ts"
import { message, searched } from "../../fixtures.ts"

const Counts = Schema.Record(Schema.String, Schema.String)

describe("the codec for structured output", () => {
  it.effect.prop("decodes what it encodes, in the shape that Claude sends", [Counts], ([counts]) =>
    Effect.gen(function* () {
      const { codec, jsonSchema } = StructuredOutput.transformer(Counts)
      assert.strictEqual(jsonSchema["type"], "object")
      const sent = yield* Schema.encodeEffect(codec)(counts)
      const decoded = yield* Schema.decodeEffect(codec)(sent)
      assert.deepStrictEqual(decoded, counts)
    })
  )

  it.effect("names the path of a value that does not fit", () =>
    Effect.gen(function* () {
      const { codec } = StructuredOutput.transformer(Schema.Struct({ age: Schema.Int }))
      const error = yield* Effect.flip(Schema.decodeEffect(codec)({ age: "old" }))
      assert.include(error.message, '["age"]')
    })
  )
})

describe("the text that effect/ai decodes", () => {
  const schema = Schema.Struct({ age: Schema.Int })

  it.effect("is Claude's, or the value where that is not JSON", () =>
    Effect.gen(function* () {
      const value = { age: 3 }
      assert.strictEqual(yield* StructuredOutput.textOf(schema, { text: '{ "age": 3 }', value }), '{ "age": 3 }')
      assert.strictEqual(yield* StructuredOutput.textOf(schema, { text: "```{age: 3}```", value }), '{"age":3}')
    })
  )

  it("is the only text of the content", () => {
    const { content } = message({ content: ["Let me see.", ...searched, "half", "{}"] })
    assert.deepStrictEqual(
      StructuredOutput.withText(content, '{"age":3}').map((block) => ("text" in block ? block.text : block.type)),
      ["server_tool_use", "web_search_tool_result", '{"age":3}']
    )
  })
})
