import { assert, describe, it } from "@effect/vitest"
import * as JsonText from "../../../src/claude/outputFormat/JsonText.ts"
import * as Shape from "../../../src/claude/outputFormat/Shape.ts"

describe("the schema of a text is read from its description", () => {
  it.each<[string, unknown]>([
    ["with a list of names", { type: "object", required: ["a", "b"] }],
    ["with brackets and quotes in its words", { type: "string", description: `a "}" or ]; at least 3. [` }],
    ["with definitions", { $ref: "#/$defs/A", $defs: { A: { type: "array", items: { $ref: "#/$defs/A" } } } }]
  ])("%s", (_, schema) => {
    const { description } = JsonText.of(schema, ["an empty text where there is no value"]).schema
    assert.deepStrictEqual(JsonText.schemaIn(`Some words. ${description} And more {}.`), schema)
  })

  it("and there is none in other words, or where the schema was cut off", () => {
    assert.isUndefined(JsonText.schemaIn("Constraints: the JSON text of any value."))
    assert.isUndefined(JsonText.schemaIn(`JSON text that satisfies the schema {"type":"ob`))
  })
})

it("a text that is not JSON is read as it is", () => {
  const text = JsonText.of({ type: "string" })
  assert.deepStrictEqual(Shape.read(text, `{"a":1}`), { a: 1 })
  assert.strictEqual(Shape.read(text, "plain words"), "plain words")
})
