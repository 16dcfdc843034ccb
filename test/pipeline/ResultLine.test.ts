import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as ResultLine from "../../src/pipeline/ResultLine.ts"

describe("the line of a result", () => {
  it.effect("has the key of its row, and then the fields of the result", () =>
    Effect.gen(function* () {
      const output = Schema.Struct({ city: Schema.String, founded: Schema.Date })
      const line = yield* ResultLine.encode(output, "7", { city: "Ulm", founded: new Date("2001-02-03T00:00:00Z") })
      assert.strictEqual(line, '{"key":"7","city":"Ulm","founded":"2001-02-03T00:00:00.000Z"}')
    })
  )

  it.effect("has what is no record as its value", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* ResultLine.encode(Schema.String, "7", "hi"), '{"key":"7","value":"hi"}')
      const output = Schema.Array(Schema.Int)
      assert.strictEqual(yield* ResultLine.encode(output, "7", [1, 2]), '{"key":"7","value":[1,2]}')
    })
  )

  it.effect("loses nothing of a result whose fields no schema names", () =>
    Effect.gen(function* () {
      const output = Schema.Record(Schema.String, Schema.Int)
      assert.strictEqual(yield* ResultLine.encode(output, "7", { red: 1 }), '{"key":"7","red":1}')
      assert.strictEqual(yield* ResultLine.encode(output, "7", { key: 1 }), '{"key":"7","value":{"key":1}}')
    })
  )
})

it("knows the schemas whose results have a key of their own, as they are written", () => {
  class Entry extends Schema.Class<Entry>("Entry")({ key: Schema.String }) {}
  const renamed = Schema.Struct({ id: Schema.String }).pipe(Schema.encodeKeys({ id: "key" }))
  const having = [Entry, renamed, Schema.Union([Schema.String, Entry]), Schema.suspend(() => Entry)]
  const without = [Schema.String, Schema.Struct({ entry: Entry }), Schema.Array(Entry), Schema.Json]
  assert.deepStrictEqual(having.map(ResultLine.hasKey), [true, true, true, true])
  assert.deepStrictEqual(without.map(ResultLine.hasKey), [false, false, false, false])
})
