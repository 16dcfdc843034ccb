import { assert, describe, it } from "@effect/vitest"
import { count } from "../../../src/claude/outputFormat/JsonSchema.ts"

describe("the API counts", () => {
  it("optional properties at every depth, by their paths", () => {
    const inner = { type: "object", properties: { b: {}, c: {} }, required: ["b"] }
    const schema = { properties: { a: inner, list: { type: "array", items: inner } }, required: ["a", "list"] }
    assert.deepStrictEqual(count(schema), { optional: ['["a"]["c"]', '["list"][]["c"]'], unions: [] })
  })

  it("every property as optional in a hand-written schema that requires nothing", () => {
    assert.deepStrictEqual(count({ properties: { a: {}, b: {} } }).optional, ['["a"]', '["b"]'])
  })

  it("each anyOf and each list of types as a union", () => {
    const schema = { properties: { a: { anyOf: [{ type: ["string", "null"] }, {}] }, b: { type: ["null"] } } }
    assert.deepStrictEqual(count(schema).unions, ['["a"]', '["a"]', '["b"]'])
    assert.deepStrictEqual(count({ anyOf: [] }).unions, [""])
  })

  it("what is in anyOf, allOf and $defs", () => {
    const part = { properties: { a: {} } }
    for (const schema of [{ anyOf: [part, part] }, { allOf: [part, part] }, { $defs: { one: part, two: part } }]) {
      assert.deepStrictEqual(count(schema).optional, ['["a"]', '["a"]'])
    }
  })

  it("nothing where a schema is not an object", () => {
    for (const schema of [undefined, null, true, "object", { items: true }]) {
      assert.deepStrictEqual(count(schema), { optional: [], unions: [] })
    }
  })
})
