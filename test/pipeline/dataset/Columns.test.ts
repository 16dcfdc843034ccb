import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Columns from "../../../src/pipeline/dataset/Columns.ts"

describe("Columns", () => {
  it.effect("puts a new column after the one that it follows in its line", () =>
    Effect.gen(function* () {
      const lines = Stream.make('{"key":1,"b":1}', '{"key":1,"a":1,"b":1}', '{"first":1,"key":1,"c":1}')
      assert.deepStrictEqual(yield* Columns.of(lines), ["first", "key", "c", "a", "b"])
    })
  )

  it("takes a line that is no object as the column value", () => {
    assert.deepStrictEqual(Columns.parse("[1]"), { value: [1] })
    assert.deepStrictEqual(Columns.parse('"text"'), { value: "text" })
  })
})
