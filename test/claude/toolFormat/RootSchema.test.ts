import { assert, describe, it } from "@effect/vitest"
import * as RootSchema from "../../../src/claude/toolFormat/RootSchema.ts"

describe("the root of a tool's schema", () => {
  it("is unchanged where the API takes it", () => {
    const schema = {
      type: "object",
      properties: { "a.b-c_1": { anyOf: [{ type: "string" }, { $ref: "#/$defs/x" }] } },
      required: ["a.b-c_1"],
      $defs: { x: { type: "integer" } }
    }
    assert.deepStrictEqual(schemaOf(schema), schema)
    assert.deepStrictEqual(schemaOf({}), { type: "object" })
    assert.deepStrictEqual(RootSchema.make(schema).restore({ a: 1 }), { a: 1 })
  })

  it("has the properties of all choices, with the choice in its description", () => {
    const anyOf = [{ required: ["route"] }, { required: ["file"] }]
    const text = { type: "string" }
    assert.deepStrictEqual(
      schemaOf({
        type: "object",
        description: "Finds callers.",
        properties: { route: text, file: text, at: text },
        required: ["at"],
        anyOf
      }),
      {
        type: "object",
        description: `Finds callers.\nThe arguments must also match this JSON Schema: ${JSON.stringify({ anyOf })}`,
        properties: { route: text, file: text, at: text },
        required: ["at"]
      }
    )
    const circle = {
      properties: { kind: { const: "circle" }, radius: { type: "number" } },
      required: ["kind", "radius"]
    }
    const square = { properties: { kind: { const: "square" }, side: { type: "number" } }, required: ["kind", "side"] }
    const { properties, required } = schemaOf({
      oneOf: [{ $ref: "#/$defs/circle" }, square],
      allOf: [{ properties: { id: { type: "integer" } }, required: ["id"] }],
      $defs: { circle }
    })
    assert.deepStrictEqual(properties, {
      id: { type: "integer" },
      kind: { anyOf: [{ const: "circle" }, { const: "square" }] },
      radius: { type: "number" },
      side: { type: "number" }
    })
    assert.deepStrictEqual(required, ["id", "kind"])
  })

  it("has what a reference names in its place, also where it names itself", () => {
    const tree = { type: "object", properties: { children: { type: "array", items: { $ref: "#/definitions/a~1b" } } } }
    const definitions = { "a/b": tree }
    assert.deepStrictEqual(schemaOf({ $ref: "#/definitions/a~1b", definitions }), { ...tree, definitions })
    assert.deepStrictEqual(schemaOf({ anyOf: [{ $ref: "#" }, { properties: { a: {} } }] })["properties"], { a: {} })
    assert.deepStrictEqual(schemaOf({ $ref: "#/nowhere" })["type"], "object")
    const names = Array.from({ length: 60 }, (_, at) => `#/$defs/${at + 1}`)
    const $defs = Object.fromEntries(
      names.map(($ref, at) => [at, { anyOf: [{ $ref }, { $ref }, { $ref: "#/$defs/0" }] }])
    )
    const many = schemaOf({ $ref: "#/$defs/0", $defs: { ...$defs, 60: { properties: { a: {} } } } })
    assert.deepStrictEqual(many["properties"], { a: {} })
  })

  it("has other keys where the API does not take them, and the arguments of a call get them back", () => {
    const { restore, schema } = RootSchema.make({
      type: "object",
      properties: {
        "filter[id]": { type: "string", description: "An id" },
        "filter(id)": true,
        filter_id_: {},
        $top: {}
      },
      required: ["filter[id]", "filter_id_"]
    })
    assert.deepStrictEqual(schema, {
      type: "object",
      properties: {
        filter_id__2: { type: "string", description: "filter[id]: An id" },
        filter_id__3: { description: "filter(id)" },
        filter_id_: {},
        _top: { description: "$top" }
      },
      required: ["filter_id__2", "filter_id_"]
    })
    assert.deepStrictEqual(restore({ filter_id__2: "a", filter_id_: 1, _top: 2, other: 3 }), {
      "filter[id]": "a",
      filter_id_: 1,
      $top: 2,
      other: 3
    })
    assert.strictEqual(restore("text"), "text")
    const long = RootSchema.make({ properties: { ["x".repeat(80)]: {}, [`${"x".repeat(80)}y`]: {} } }).schema
    for (const key of Object.keys(long["properties"] as object)) assert.match(key, /^[\w.-]{1,64}$/)
  })
})

const schemaOf = (schema: object) => RootSchema.make(schema).schema
