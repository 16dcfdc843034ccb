import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as ResultLine from "../../src/pipeline/ResultLine.ts"

describe("the line of a result", () => {
  it.effect("has the key of its row, and then the fields of the result", () =>
    Effect.gen(function* () {
      const output = Schema.Struct({ city: Schema.String, founded: Schema.Date })
      const line = yield* ResultLine.encode(output)("7", { city: "Ulm", founded: new Date("2001-02-03T00:00:00Z") })
      assert.strictEqual(line, '{"key":"7","city":"Ulm","founded":"2001-02-03T00:00:00.000Z"}')
    })
  )

  it.effect("has a result without fixed fields as its value", () =>
    Effect.gen(function* () {
      const lines = yield* Effect.all([
        ResultLine.encode(Schema.String)("7", "hi"),
        ResultLine.encode(Schema.Array(Schema.Int))("7", [1, 2]),
        ResultLine.encode(Schema.Record(Schema.String, Schema.Int))("7", { key: 1 }),
        ResultLine.encode(Schema.Json)("7", { red: 1 })
      ])
      const values = ['"hi"', "[1,2]", '{"key":1}', '{"red":1}']
      assert.deepStrictEqual(
        lines,
        values.map((value) => `{"key":"7","value":${value}}`)
      )
    })
  )

  it.effect("keeps a field named __proto__", () =>
    Effect.gen(function* () {
      const output = Schema.Struct({ ["__proto__"]: Schema.Int, city: Schema.String })
      const line = yield* ResultLine.encode(output)("7", { ["__proto__"]: 1, city: "Ulm" })
      assert.strictEqual(line, '{"key":"7","__proto__":1,"city":"Ulm"}')
    })
  )

  it.effect.prop("reads back with the same schema, even with values that JSON lacks", [Rich], ([result]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* roundTrip(Rich, result), result)
    })
  )

  it.effect.prop(
    "reads back with the same schema if the result is the value",
    [Schema.Option(Schema.Date), Schema.ReadonlyMap(Schema.String, Schema.BigInt), Schema.Json, Texts],
    ([date, map, json, texts]) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* roundTrip(Schema.Option(Schema.Date), date), date)
        assert.deepStrictEqual(yield* roundTrip(Schema.ReadonlyMap(Schema.String, Schema.BigInt), map), map)
        assert.deepStrictEqual(yield* roundTrip(Schema.Json, json), JSON.parse(JSON.stringify(json)))
        assert.deepStrictEqual(yield* roundTrip(Texts, texts), texts)
      })
  )

  it.effect("reads back with a class, a union, a recursive schema, and one with optional fields", () =>
    Effect.gen(function* () {
      class City extends Schema.Class<City>("City")({ name: Schema.String, founded: Schema.Date }) {}
      const ulm = new City({ name: "Ulm", founded: new Date(0) })
      assert.deepStrictEqual(yield* roundTrip(City, ulm), ulm)
      const Either = Schema.Union([City, Schema.Struct({ nothing: Schema.Null })])
      assert.deepStrictEqual(yield* roundTrip(Either, { nothing: null }), { nothing: null })
      const Optional = Schema.Struct({ value: Schema.optional(Schema.Json) })
      assert.deepStrictEqual(yield* roundTrip(Optional, { value: { value: 1 } }), { value: { value: 1 } })
      const tree = { name: "a", parts: [{ name: "b", parts: [] }] }
      assert.deepStrictEqual(yield* roundTrip(Tree, tree), tree)
    })
  )
})

describe("a line of another file", () => {
  it.effect("is read by its own fields, even if they are named key and value", () =>
    Effect.gen(function* () {
      const pair = { key: "a", value: "b" }
      const Pair = Schema.Struct({ key: Schema.String, value: Schema.String })
      assert.deepStrictEqual(yield* ResultLine.decode(Pair)(pair), pair)
      assert.deepStrictEqual(yield* ResultLine.decode(Texts)(pair), pair)
      assert.deepStrictEqual(yield* ResultLine.decode(Schema.Struct({ value: Schema.String }))(pair), { value: "b" })
    })
  )

  it.effect("is read as a whole if its key is not the key of a row, or if it has further fields", () =>
    Effect.gen(function* () {
      for (const line of [{ key: 1, value: 2 }, { key: "a", value: 2, note: 3 }, { key: "a", note: 3 }, { value: 2 }]) {
        assert.deepStrictEqual<unknown>(yield* ResultLine.decode(Schema.Json)(line), line)
      }
      assert.deepStrictEqual<unknown>(yield* ResultLine.decode(Schema.Json)({ key: "a", value: 2 }), 2)
    })
  )

  it.effect("reads dates from texts and numbers from numbers", () =>
    Effect.gen(function* () {
      const schema = Schema.Struct({ at: Schema.Date, amount: AnyNumber, count: Schema.optional(Schema.Int) })
      const row = yield* ResultLine.decode(schema)({ at: "2001-02-03", amount: 1.5 })
      assert.deepStrictEqual(row, { at: new Date("2001-02-03"), amount: 1.5 })
    })
  )

  it.effect("fails with all its problems", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(ResultLine.decode(Schema.Struct({ id: Schema.Int }))({ key: "a", id: "b" }))
      assert.match(String(error), /Expected number, got "b"/)
    })
  )
})

it("finds the schemas whose encoded results have a key", () => {
  class Entry extends Schema.Class<Entry>("Entry")({ key: Schema.String }) {}
  const renamed = Schema.Struct({ id: Schema.String }).pipe(Schema.encodeKeys({ id: "key" }))
  const having = [Entry, renamed, Schema.Union([Schema.String, Entry]), Schema.suspend(() => Entry)]
  const without = [Schema.String, Schema.Struct({ entry: Entry }), Schema.Array(Entry), Schema.Json]
  assert.deepStrictEqual(having.map(ResultLine.hasKey), [true, true, true, true])
  assert.deepStrictEqual(without.map(ResultLine.hasKey), [false, false, false, false])
})

// Builders

const Texts = Schema.Record(Schema.String, Schema.String)

interface Tree {
  readonly name: string
  readonly parts: ReadonlyArray<Tree>
}
const Tree = Schema.Struct({
  name: Schema.String,
  parts: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree))
})

/** JSON writes -0 as 0. */
const isNotMinusZero = Schema.makeFilter((number: number) => !Object.is(number, -0))

// This schema includes NaN and Infinity.
// @effect-diagnostics-next-line schemaNumber:off
const AnyNumber = Schema.Number.check(isNotMinusZero)

/** Values that JSON cannot represent. */
const Rich = Schema.Struct({
  at: Schema.Date,
  amount: AnyNumber,
  maybe: Schema.Option(Schema.Struct({ at: Schema.Date })),
  big: Schema.BigInt,
  totals: Schema.ReadonlyMap(Schema.String, AnyNumber),
  tags: Schema.ReadonlySet(Schema.String),
  bytes: Schema.Uint8Array,
  some: Schema.optional(Schema.String),
  other: Schema.optionalKey(Schema.NullOr(Schema.BigInt)),
  result: Schema.Result(Schema.Date, Schema.String),
  kind: Schema.Union([Schema.Literals(["a", "b"]), Schema.Int.check(isNotMinusZero)])
})

const roundTrip = <A>(schema: Schema.Codec<A, unknown>, result: A) =>
  Effect.flatMap(ResultLine.encode(schema)("7", result), (line) => ResultLine.decode(schema)(JSON.parse(line)))
