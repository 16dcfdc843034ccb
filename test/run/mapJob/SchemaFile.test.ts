import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as OutputFormat from "../../../src/claude/OutputFormat.ts"
import * as SchemaFile from "../../../src/run/mapJob/SchemaFile.ts"

describe("SchemaFile", () => {
  it("sends a JSON Schema in the form of the API: closed objects, and words for what it has no keyword for", () => {
    const { schema } = formatOf({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: {
        product: { type: "string", description: "the product" },
        score: { type: "integer", minimum: 1, maximum: 5 },
        lines: { type: "array", items: { $ref: "#/$defs/Line" } },
        email: { type: ["string", "null"], format: "email" }
      },
      required: ["product", "score", "lines"],
      $defs: { Line: { type: "object", properties: { price: { type: "number" } }, required: ["price"] } }
    })
    const price: OutputFormat.JsonSchema = { type: "number", description: "Constraints: a finite number." }
    assert.deepStrictEqual(schema, {
      type: "object",
      properties: {
        product: { type: "string", description: "the product" },
        score: { type: "integer", description: "Constraints: at least 1; at most 5." },
        lines: {
          type: "array",
          items: { type: "object", properties: { price }, required: ["price"], additionalProperties: false }
        },
        email: { anyOf: [{ type: "string" }, { type: "null" }], description: "Constraints: format: email." }
      },
      required: ["product", "score", "lines"],
      additionalProperties: false
    })
  })

  it.effect("checks answers against what the API does not enforce", () =>
    Effect.gen(function* () {
      const { decode } = formatOf({ type: "object", properties: { a: { type: "string", pattern: "^[a-z]+$" } } })
      assert.deepStrictEqual(yield* decode('{"a":"x"}'), { a: "x" })
      yield* Effect.flip(decode('{"a":"X"}'))
    })
  )

  it("reads the definitions of draft 7", () => {
    const { schema } = formatOf({
      type: "object",
      properties: { a: { $ref: "#/definitions/A" } },
      required: ["a"],
      definitions: { A: { enum: ["x", "y"] } }
    })
    assert.deepStrictEqual(schema.properties?.["a"], { type: "string", enum: ["x", "y"] })
  })

  it.each([
    ["not JSON", "this is not a JSON object; write a JSON Schema"],
    ["[1]", "this is not a JSON object; write a JSON Schema"],
    [{ type: "array", items: { type: "string" } }, 'the root must be an object with named "properties"'],
    [{ type: "object" }, 'the root must be an object with named "properties"'],
    [{ type: "object", properties: {} }, 'the root must be an object with named "properties"'],
    [root({ type: "strin" }), 'there is no type "strin", at ["properties"]["a"]["type"]; write one of object, array'],
    [root({ type: "string", nullable: true }), '"nullable" is of OpenAPI, at ["properties"]["a"]["nullable"]; write'],
    [root({ requird: [] }), 'JSON Schema has no keyword "requird", at ["properties"]["a"]["requird"]; leave it out'],
    [
      root({ not: { type: "string" } }),
      'keyword "not": Effect has no equivalent constraint, at ["properties"]["a"]["not"]'
    ],
    [
      root({ const: { x: 1 } }),
      'Only primitive values are supported in "const" and "enum", at ["properties"]["a"]["const"]'
    ],
    [root({ $ref: "#/$defs/B" }), 'Missing definition "B" for $ref "#/$defs/B", at ["properties"]["a"]["$ref"]'],
    [root({ type: "array", items: { anyOf: [{ typ: 1 }] } }), '["properties"]["a"]["items"]["anyOf"][0]["typ"]']
  ])("refuses %j with its path", (schema, problem) => {
    const text = typeof schema === "string" ? schema : JSON.stringify(schema)
    assert.include(Result.getOrThrow(Result.flip(SchemaFile.parse(text))), problem)
  })
})

// Builders

const formatOf = (schema: object) =>
  Result.getOrThrow(OutputFormat.make(Result.getOrThrow(SchemaFile.parse(JSON.stringify(schema)))))

/** A schema whose field "a" has this schema. */
function root(a: object) {
  return { type: "object", properties: { a } }
}
