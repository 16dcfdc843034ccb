import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as ResultShape from "../../../../src/pipeline/dataset/parquet/ResultShape.ts"

describe("the types of results", () => {
  it("are those of their schema, also where a value may be null or absent", () => {
    const schema = Schema.Struct({
      whole: Schema.Int,
      score: Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 }))),
      part: Schema.Finite,
      any: Schema.Union([Schema.Finite, Schema.Literals(["NaN", "Infinity"])]),
      level: Schema.Literals([1, 2, 3]),
      isPaid: Schema.optionalKey(Schema.Boolean),
      name: Schema.NullOr(Schema.String),
      kind: Schema.Literals(["a", "b"]),
      id: Schema.BigInt,
      day: Schema.String.annotate({ format: "date" }),
      at: Schema.Date,
      until: Schema.optional(Schema.NullOr(Schema.DateTimeUtcFromString)),
      tags: Schema.Array(Schema.NullOr(Schema.String)),
      address: Schema.Struct({ city: Schema.String, zip: Schema.NullOr(Schema.Int) })
    })
    assert.deepStrictEqual(tagsOf(schema), {
      key: "text",
      whole: "integer",
      score: "integer",
      part: "number",
      any: "number",
      level: "integer",
      isPaid: "boolean",
      name: "text",
      kind: "text",
      id: "text",
      day: "date",
      at: "timestamp",
      until: "timestamp",
      tags: { list: "text" },
      address: { city: "text", zip: "integer" }
    })
  })

  it("are JSON where a schema has values of several kinds, and open where it does not say", () => {
    interface Tree {
      readonly children: ReadonlyArray<Tree>
    }
    const Tree = Schema.Struct({ children: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree)) }).annotate({
      identifier: "Tree"
    })
    const schema = Schema.Struct({
      mixed: Schema.Union([Schema.String, Schema.Int]),
      map: Schema.Record(Schema.String, Schema.Int),
      empty: Schema.Struct({}),
      open: Schema.Unknown,
      maybe: Schema.NullOr(Schema.Json),
      items: Schema.Array(Schema.Unknown)
    })
    assert.deepStrictEqual(tagsOf(schema), {
      key: "text",
      mixed: "json",
      map: "json",
      empty: undefined,
      open: undefined,
      maybe: undefined,
      items: undefined
    })
    assert.deepStrictEqual(tagsOf(Tree), { key: "text", children: { list: "json" } })
    const nested = { key: "text", root: { children: { list: "json" } } }
    assert.deepStrictEqual(tagsOf(Schema.Struct({ root: Schema.NullOr(Tree) })), nested)
  })

  it("are those of a class, of alternatives, and of a result without fields", () => {
    class Letter extends Schema.Class<Letter>("Letter")({ at: Schema.Date, pages: Schema.Int }) {}
    assert.deepStrictEqual(tagsOf(Letter), { key: "text", at: "timestamp", pages: "integer" })
    const either = Schema.Union([
      Schema.Struct({ kind: Schema.Literal("a"), size: Schema.Int }),
      Schema.Struct({ kind: Schema.Literal("b"), size: Schema.Finite })
    ])
    assert.deepStrictEqual(tagsOf(either), { key: "text", kind: "text", size: "number" })
    assert.deepStrictEqual(tagsOf(Schema.Int), { key: "text", value: "integer" })
    assert.deepStrictEqual(tagsOf(Schema.Array(Schema.String)), { key: "text", value: { list: "text" } })
    assert.deepStrictEqual(tagsOf(Schema.Unknown), { key: "text", value: undefined })
  })
})

type Shapes = ReturnType<typeof ResultShape.of>

/** The columns with the names of their types. */
const tagsOf = (schema: Schema.Constraint) => {
  const tagOf = (shape: Shapes extends ReadonlyMap<string, infer S> ? S : never): unknown => {
    if (shape?._tag === "list") return { list: tagOf(shape.of) }
    if (shape?._tag !== "struct") return shape?._tag
    return Object.fromEntries(Array.from(shape.fields, ([name, field]) => [name, tagOf(field)]))
  }
  return Object.fromEntries(Array.from(ResultShape.of(schema), ([name, shape]) => [name, tagOf(shape)]))
}
