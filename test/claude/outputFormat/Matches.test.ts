import { assert, describe, it } from "@effect/vitest"
import type { JsonSchema } from "../../../src/claude/outputFormat/JsonSchema.ts"
import { matches } from "../../../src/claude/outputFormat/Matches.ts"

const point: JsonSchema = {
  type: "object",
  properties: { x: { type: "integer" }, y: { type: "number" } },
  required: ["x"],
  additionalProperties: false
}

const key: JsonSchema = { type: "null" }
const inherited: JsonSchema = { type: "object", properties: { constructor: key }, required: ["constructor"] }

describe("JSON has the shape of a schema", () => {
  it.each<[JsonSchema, unknown, unknown]>([
    [{ type: "string" }, "a", 1],
    [{ type: "boolean" }, false, null],
    [{ type: "number" }, 1.5, "1"],
    [{ type: "integer" }, 1, 1.5],
    [{ type: "null" }, null, 0],
    [{ const: "a" }, "a", "b"],
    [{ enum: ["a", null] }, null, undefined],
    [{ type: "array", items: { type: "string" } }, ["a"], ["a", 1]],
    [{ anyOf: [{ type: "string" }, { type: "null" }] }, null, 1],
    [point, { x: 1 }, { y: 1 }],
    [point, { x: 1, y: 0.5 }, { x: 1, z: 1 }],
    [point, { x: 1 }, [1]],
    [point, { x: 1 }, { x: 1, constructor: 1 }],
    [inherited, { constructor: null }, {}]
  ])("%o: %o, and not %o", (schema, right, wrong) => {
    assert.isTrue(matches(schema, right))
    assert.isFalse(matches(schema, wrong))
  })
})
