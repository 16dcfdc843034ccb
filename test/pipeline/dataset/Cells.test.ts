import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Cells from "../../../src/pipeline/dataset/Cells.ts"
import { fileOf, provideNode, read } from "./files.ts"

describe("the cells of a table", () => {
  it.effect("are decoded by the schema of rows, and stay text where it takes text", () =>
    Effect.gen(function* () {
      const Row = Schema.Struct({
        id: Schema.String,
        count: Schema.Int,
        price: Schema.NullOr(Schema.Finite),
        paid: Schema.Boolean,
        note: Schema.optionalKey(Schema.String),
        rank: Schema.optional(Schema.Int),
        day: Schema.Date,
        big: Schema.BigInt,
        tags: Schema.Array(Schema.Int),
        level: Schema.Literals([1, 2]),
        either: Schema.Union([Schema.Int, Schema.String])
      })
      const header = "id,count,price,paid,note,rank,day,big,tags,level,either"
      const lines = [
        `007, 12 ,1.5e3,TRUE,,,2026-01-02T00:00:00.000Z,9007199254740993,"[1,2]",2,03`,
        `"",-0,,0,x,+5,2026-01-02T00:00:00.000Z,1,[],1,`
      ]
      const path = yield* fileOf("rows.csv", [header, ...lines].join("\n"))
      const day = new Date("2026-01-02T00:00:00.000Z")
      const same = { day, level: 2, either: "03" }
      assert.deepStrictEqual(yield* read(Row, path), [
        {
          id: "007",
          count: 12,
          price: 1500,
          paid: true,
          big: 9007199254740993n,
          tags: [1, 2],
          rank: undefined,
          ...same
        },
        {
          id: "",
          count: -0,
          price: null,
          paid: false,
          note: "x",
          rank: 5,
          day,
          big: 1n,
          tags: [],
          level: 1,
          either: ""
        }
      ])
    }).pipe(Effect.scoped, provideNode)
  )

  it.effect("that do not fit are reported as they are", () =>
    Effect.gen(function* () {
      const Row = Schema.Struct({ id: Schema.Int, paid: Schema.Boolean, level: Schema.NullOr(Schema.Finite) })
      const path = yield* fileOf("rows.csv", "id,paid,level\n,yes,0x1F\n9007199254740993,true,null\n")
      assert.deepStrictEqual(yield* read(Row, path), [
        'rows.csv line 2: "id" must be an integer, got ""; "paid" must be a boolean, got "yes"; ' +
          '"level" must be a number or null, got "0x1F"',
        'rows.csv line 3: "id" must be an integer, got "9007199254740993"'
      ])
    }).pipe(Effect.scoped, provideNode)
  )

  it.effect("read a long number back that JavaScript has written, though it is not its exact value", () =>
    Effect.gen(function* () {
      const written = [24725916612146470, -1.2345678901234567e20, 5e-324]
      const path = yield* fileOf("rows.csv", ["score", ...written].join("\n"))
      assert.deepStrictEqual(
        yield* read(Schema.Struct({ score: Schema.Finite }), path),
        written.map((score) => ({ score }))
      )
    }).pipe(Effect.scoped, provideNode)
  )

  it("of a result that is no object are in the column value", () => {
    assert.deepStrictEqual(Cells.fit(Schema.Int)({ key: "07", value: "3" }), { key: "07", value: 3 })
    assert.deepStrictEqual(Cells.fit(Schema.Array(Schema.Int))({ key: "07", value: "[3]" }), { key: "07", value: [3] })
  })

  it("become the values of a record", () => {
    assert.deepStrictEqual(Cells.fit(Schema.Record(Schema.String, Schema.Int))({ a: "1", b: "2" }), { a: 1, b: 2 })
    assert.deepStrictEqual(Cells.fit(Schema.Record(Schema.String, Schema.Json))({ a: "1", b: "" }), { a: "1", b: "" })
  })

  it("of other formats may be null, numbers and nested", () => {
    const Row = Schema.Struct({
      id: Schema.BigInt,
      paid: Schema.Boolean,
      inner: Schema.Array(Schema.Struct({ a: Schema.optionalKey(Schema.Int), b: Schema.NullOr(Schema.Int) }))
    })
    const cells = { id: 5, paid: 1, inner: [{ a: null, b: null }], other: 3 }
    assert.deepStrictEqual(Cells.fit(Row)(cells), { id: "5", paid: true, inner: [{ b: null }], other: 3 })
  })

  it("follow a recursive schema", () => {
    interface Tree {
      readonly value: number
      readonly children: ReadonlyArray<Tree>
    }
    const Tree = Schema.Struct({
      value: Schema.Int,
      children: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree))
    })
    const cells = { value: "1", children: [{ value: "2", children: [] }] }
    assert.deepStrictEqual(Cells.fit(Tree)(cells), { value: 1, children: [{ value: 2, children: [] }] })
  })
})
