import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { JsonSchema } from "../../../src/claude/OutputFormat.ts"
import { type Codec, fieldOf, refusalOf } from "./Sent.ts"

const { Array: _, Finite, FiniteFromString, Int, Never, Record, String, Struct, Tuple, Union } = Schema

describe("a list is sent as a list", () => {
  it.each<[string, Codec, object]>([
    [
      "with a first item of the same type",
      Schema.TupleWithRest(Tuple([String]), [String]),
      { type: "array", items: text, minItems: 1 }
    ],
    [
      "with two first items of the same type",
      Schema.TupleWithRest(Tuple([String, String]), [String]),
      { type: "array", items: text, minItems: 1, description: "Constraints: at least 2 items." }
    ],
    [
      "with an optional item after the first",
      Schema.TupleWithRest(Tuple([Int, Schema.optionalKey(Int)]), [Int]),
      { type: "array", items: whole, minItems: 1 }
    ],
    [
      "with an optional first item",
      Schema.TupleWithRest(Tuple([Schema.optionalKey(Int)]), [Int]),
      { type: "array", items: whole }
    ]
  ])("%s", (_, schema, sent) => {
    assert.deepStrictEqual<unknown>(fieldOf(schema), sent)
  })

  it.each<[string, Codec, Codec]>([
    ["encoding", FiniteFromString, Finite],
    ["check", Finite, Finite.check(Schema.isGreaterThan(1))],
    ["description", String, String.annotate({ description: "x" })],
    ["type", String, Schema.Boolean],
    ["field", Struct({ a: String }), Struct({ a: Int })]
  ])("unless the first item has another %s", (_, first, rest) => {
    const sent = fieldOf(Schema.TupleWithRest(Tuple([first]), [rest]))
    assert.deepStrictEqual(Object.keys(sent?.properties ?? {}), ["0", "rest"])
  })
})

describe("an object is sent in place of", () => {
  it.each<[string, Codec, ReadonlyArray<string>, string]>([
    ["a tuple", Tuple([String, Int]), ["0", "1"], "A list of 2"],
    ["a tuple with a rest", Schema.TupleWithRest(Tuple([String]), [Int]), ["0", "rest"], "A list of 1 or more"],
    [
      "a list with an end",
      Schema.TupleWithRest(Tuple([]), [Int, String, Int]),
      ["rest", "last1", "last2"],
      "A list of 0 or more"
    ]
  ])("%s", (_, schema, keys, note) => {
    const sent = fieldOf(schema)
    assert.strictEqual(sent?.description, `${note}, as an object: one element under each key`)
    assert.deepStrictEqual([sent?.type, sent?.required, Object.keys(sent?.properties ?? {})], ["object", keys, keys])
  })
})

describe("a list of entries is sent in place of", () => {
  const description = "A map, as a list of its entries; each key once"
  const entries = (key: JsonSchema): JsonSchema => ({
    type: "array",
    items: {
      type: "object",
      properties: { key, value: whole },
      required: ["key", "value"],
      additionalProperties: false
    }
  })

  it.each<[string, Codec]>([
    ["a record", Record(String, Int)],
    ["a map", Schema.ReadonlyMap(String, Int)],
    ["a map of Effect", Schema.HashMap(String, Int)]
  ])("%s", (_, schema) => {
    assert.deepStrictEqual(fieldOf(schema), { ...entries(text), description })
  })

  it("each map of an object, under a name that is free", () => {
    const map = { ...entries(text), description: `${description}.` }
    assert.deepStrictEqual(fieldOf(Schema.StructWithRest(Struct({ others: Int }), [Record(String, Int)])), {
      type: "object",
      properties: { others: whole, others_: map },
      required: ["others", "others_"],
      additionalProperties: false
    })
    const keys = (start: string) => Schema.TemplateLiteral([start, String])
    const two = fieldOf(Schema.StructWithRest(Struct({ a: Int }), [Record(keys("x"), Int), Record(keys("y"), Int)]))
    assert.deepStrictEqual(two?.required, ["a", "others1", "others2"])
    const only = fieldOf(Schema.StructWithRest(Struct({}), [Record(keys("x"), Int), Record(keys("y"), Int)]))
    assert.deepStrictEqual(only?.required, ["others1", "others2"])
    const { items } = two?.properties?.["others2"] ?? {}
    assert.include(items?.properties?.["key"]?.description, "/^y")
  })
})

describe("a union is sent", () => {
  it.each<[string, Codec, object]>([
    ["without members that have no value", Union([Never, String]), text],
    ["without duplicates", Union([String, String, Schema.Null]), { anyOf: [text, { type: "null" }] }],
    ["as one value if all its members are that value", Union([Schema.Literal("a"), Schema.Literal("a")]), constant],
    [
      "as values and types",
      Union([Schema.Literal("a"), Int, Schema.Literal("b")]),
      { anyOf: [{ type: "string", enum: ["a", "b"] }, whole] }
    ],
    ["as values if one of them is null", Union([Schema.Null, Schema.Literal("a")]), { enum: ["a", null] }],
    [
      "as a union in a union if the inner one has a description",
      Schema.NullOr(Union([Int, Schema.Boolean]).annotate({ description: "d" })),
      { anyOf: [{ anyOf: [whole, { type: "boolean" }], description: "d" }, { type: "null" }] }
    ],
    [
      "with the constraint that exactly one member accepts the value",
      Union([String, Int], { mode: "oneOf" }),
      { anyOf: [text, whole], description: "Constraints: satisfies exactly one of the alternatives." }
    ],
    ["without that constraint if it has one member", Union([String], { mode: "oneOf" }), text],
    ["as numbers if some of them are whole", Schema.Literals([1, 1.5]), { type: "number", enum: [1, 1.5] }],
    ["as true if this is its only value", Schema.Literal(true), { type: "boolean", const: true }],
    ["as a number that is not whole", Schema.Literal(1.5), { type: "number", const: 1.5 }],
    ["as digits if it is a bigint", Schema.Literal(7n), { type: "string", const: "7" }],
    [
      "as an enum with names",
      Schema.Enum({ Half: 0.5, Two: 2 }),
      { type: "number", enum: [0.5, 2], description: "0.5 means Half. 2 means Two" }
    ]
  ])("%s", (_, schema, sent) => {
    assert.deepStrictEqual<unknown>(fieldOf(schema), sent)
  })
})

it("any JSON is sent as its text, whatever schema allows it", () => {
  for (const schema of [Schema.Json, Schema.MutableJson, Schema.Any, Schema.Unknown, Schema.ObjectKeyword]) {
    assert.deepStrictEqual<unknown>(fieldOf(schema), {
      type: "string",
      description: "Constraints: the JSON text of any value."
    })
  }
})

describe("a schema is refused with the path of", () => {
  it("a union without members", () => {
    assert.include(refusalOf(Union([])), 'a union has no members at ["field"]; leave the field out')
  })

  it("a key that is a symbol", () => {
    const schema = Schema.Array(Struct({ [Symbol.for("a")]: Int }))
    assert.include(refusalOf(schema), 'a key is a symbol (Symbol(a)) at ["field"][]; use a string')
  })

  it("a part that is made anew at each depth", () => {
    interface Endless {
      readonly next: Endless
    }
    const endless = (): Schema.Codec<Endless> => Struct({ next: Schema.suspend(endless) })
    assert.match(refusalOf(endless()), /it contains itself at \["field"\](\["next"\]){49,50}; bound its depth$/)
  })
})

const text = { type: "string" } as const
const whole = { type: "integer" } as const
const constant = { type: "string", const: "a" }
