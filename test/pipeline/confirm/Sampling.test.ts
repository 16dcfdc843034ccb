import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as Sampling from "../../../src/pipeline/confirm/Sampling.ts"

const options = { count: 50, first: 2, sizeOf: (row: number) => row }

describe("a sample of rows", () => {
  it.effect("has every row of a short stream, in order", () =>
    Effect.gen(function* () {
      const { first, rows, sample, size } = yield* Sampling.take(Stream.range(0, 9), options)
      assert.deepStrictEqual(
        sample.map(({ row }) => row),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
      )
      assert.deepStrictEqual({ first, rows, size }, { first: [0, 1], rows: 10, size: 45 })
    })
  )

  it.effect("is spread over a long stream, the same every time, and in order", () =>
    Effect.gen(function* () {
      const { rows, sample, size } = yield* Sampling.take(Stream.range(0, 9999), options)
      assert.deepStrictEqual([rows, size, sample.length], [10_000, 49_995_000, 50])
      const chosen = sample.map(({ row }) => row)
      assert.deepStrictEqual(
        chosen,
        chosen.toSorted((one, other) => one - other)
      )
      assert.isAbove(new Set(chosen.map((row) => Math.floor(row / 1000))).size, 7)
      const again = yield* Sampling.take(Stream.range(0, 9999), options)
      assert.deepStrictEqual(
        again.sample.map(({ row }) => row),
        chosen
      )
    })
  )

  it("measures a row by the characters of its texts", () => {
    assert.strictEqual(Sampling.sizeOf({ id: 7, text: "four", tags: ["ab", "c"] }), 2 + 4 + 4 + (2 + 2 + 1))
  })
})
