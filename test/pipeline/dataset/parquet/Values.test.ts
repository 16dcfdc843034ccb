import { assert, describe, it } from "@effect/vitest"
import { ByteWriter } from "hyparquet-writer"
import { serializeTCompactProtocol } from "hyparquet-writer/src/thrift.js"
import { DEFAULT_PARSERS } from "hyparquet/src/convert.js"
import * as Effect from "effect/Effect"
import * as Values from "../../../../src/pipeline/dataset/parquet/Values.ts"

describe("the values of a Parquet column", () => {
  it.effect("are taken over the ends of pages, each of which is decoded once", () =>
    Effect.gen(function* () {
      const take = column([page([1, 2, 3]), page([]), page([4, 5])])
      assert.deepStrictEqual(yield* taken(take, 2), [1, 2])
      assert.deepStrictEqual(yield* taken(take, 2), [3, 4])
      assert.deepStrictEqual(yield* taken(take, 1), [5])
    })
  )

  it.effect("are found behind a page header of any length, such as one with long statistics", () =>
    Effect.gen(function* () {
      const take = column([page([1], 100_000), page([2], 1020), page([3], 5)])
      assert.deepStrictEqual(yield* taken(take, 3), [1, 2, 3])
    })
  )

  it.effect("fail if they are fewer than the rows, or if a page is damaged", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Effect.flip(column([page([1])])(2)), "the column number is too short")
      assert.match(yield* Effect.flip(column([page([1, 2]).subarray(0, -3)])(2)), /RangeError/)
      assert.match(yield* Effect.flip(column([new Uint8Array(40).fill(255)])(1)), /Error/)
    })
  )
})

/** Takes the values of a column with these pages, which is not at the start of its file. */
const column = (pages: ReadonlyArray<Uint8Array>) => {
  const bytes = Buffer.concat([new Uint8Array(10), ...pages])
  const element = { name: "number", type: "INT32", repetition_type: "REQUIRED" } as const
  return Values.make({
    file: { byteLength: bytes.length, slice: (start, end) => new Uint8Array(bytes.subarray(start, end)).buffer },
    start: 10,
    end: bytes.length,
    decoder: {
      pathInSchema: ["number"],
      type: "INT32",
      element,
      schemaPath: [{ children: [], count: 1, element, path: ["number"] }],
      codec: "UNCOMPRESSED",
      parsers: DEFAULT_PARSERS
    },
    refuse: String
  })
}

/** A page of numbers, with as many bytes of statistics. */
const page = (numbers: ReadonlyArray<number>, statistics = 0): Uint8Array => {
  const writer = new ByteWriter()
  const size = numbers.length * 4
  const field_5 = { field_1: numbers.length, field_2: 0, field_3: 3, field_4: 3 }
  const header = { ...field_5, field_5: { field_5: new Uint8Array(statistics) } }
  serializeTCompactProtocol(writer, {
    field_1: 0,
    field_2: size,
    field_3: size,
    field_5: statistics === 0 ? field_5 : header
  })
  for (const number of numbers) writer.appendInt32(number)
  return new Uint8Array(writer.getBuffer())
}

const taken = <E>(take: Values.Take<E>, count: number) =>
  Effect.map(take(count), ({ from, values }) => Array.from(values).slice(from, from + count))
