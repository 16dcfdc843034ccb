import { assert, describe, it } from "@effect/vitest"
import type { SchemaElement } from "hyparquet"
import { misfit } from "../../../../src/pipeline/dataset/parquet/Codec.ts"
import * as Leaf from "../../../../src/pipeline/dataset/parquet/Leaf.ts"

const columns: ReadonlyArray<readonly [SchemaElement, stored: unknown, json: unknown]> = [
  [{ name: "c", type: "BOOLEAN" }, true, true],
  [{ name: "c", type: "INT32" }, -5, -5],
  [{ name: "c", type: "INT64" }, 5n, 5],
  [{ name: "c", type: "INT64" }, 2n ** 63n - 1n, "9223372036854775807"],
  [{ name: "c", type: "FLOAT" }, Math.fround(0.1), Math.fround(0.1)],
  [{ name: "c", type: "DOUBLE" }, 0.1, 0.1],
  [{ name: "c", type: "DOUBLE" }, NaN, "NaN"],
  [{ name: "c", type: "DOUBLE" }, -Infinity, "-Infinity"],
  [{ name: "c", type: "BYTE_ARRAY", converted_type: "UTF8" }, "é", "é"],
  [{ name: "c", type: "BYTE_ARRAY" }, Uint8Array.of(0, 255), "AP8="],
  [{ name: "c", type: "FIXED_LEN_BYTE_ARRAY", type_length: 2 }, Uint8Array.of(0, 255), "AP8="],
  [{ name: "c", type: "INT32", converted_type: "DATE" }, 19782, "2024-02-29"]
]

describe("Leaf", () => {
  it("has a JSON form for the values of each type, and reads it back", () => {
    for (const [element, stored, json] of columns) {
      const { decode, encode } = Leaf.codec(element)
      assert.deepStrictEqual(decode(stored), json)
      assert.deepStrictEqual(encode(json), stored)
    }
  })

  it("shows unsigned integers without a sign", () => {
    assert.strictEqual(Leaf.codec({ name: "c", type: "INT32", converted_type: "UINT_32" }).decode(-1), 2 ** 32 - 1)
    const unsigned = Leaf.codec({ name: "c", type: "INT64", converted_type: "UINT_64" })
    assert.strictEqual(unsigned.decode(-1n), "18446744073709551615")
    assert.strictEqual(unsigned.encode("18446744073709551615"), 2n ** 64n - 1n)
  })

  it("shows JSON as values, and as a text where it is none", () => {
    const { decode } = Leaf.codec({ name: "c", type: "BYTE_ARRAY", converted_type: "JSON" })
    assert.deepStrictEqual(decode(new TextEncoder().encode('{"a":[1]}')), { a: [1] })
    assert.strictEqual(decode(new TextEncoder().encode("{")), "{")
  })

  it("shows and takes the text of a UUID", () => {
    const element = {
      name: "c",
      type: "FIXED_LEN_BYTE_ARRAY",
      type_length: 16,
      logical_type: { type: "UUID" }
    } as const
    const { decode, encode } = Leaf.codec(element)
    const text = "00010203-0405-0607-0809-0a0b0c0d0e0f"
    assert.strictEqual(decode(Uint8Array.from({ length: 16 }, (_, index) => index)), text)
    assert.strictEqual(encode(text), text)
    assert.strictEqual(encode("no"), misfit)
  })

  it("refuses values that the column cannot store", () => {
    const refused: ReadonlyArray<readonly [SchemaElement, unknown]> = [
      [{ name: "c", type: "INT32" }, 2 ** 31],
      [{ name: "c", type: "INT32", converted_type: "UINT_32" }, -1],
      [{ name: "c", type: "INT64" }, "9223372036854775808"],
      [{ name: "c", type: "INT64" }, 1.5],
      [{ name: "c", type: "INT64" }, "007"],
      [{ name: "c", type: "FLOAT" }, 0.1],
      [{ name: "c", type: "DOUBLE" }, "1"],
      [{ name: "c", type: "BOOLEAN" }, "true"],
      [{ name: "c", type: "BYTE_ARRAY", converted_type: "UTF8" }, 1],
      [{ name: "c", type: "BYTE_ARRAY" }, "no base64!"],
      [{ name: "c", type: "FIXED_LEN_BYTE_ARRAY", type_length: 3 }, "AP8="],
      [{ name: "c", type: "INT32", converted_type: "DATE" }, "29 February"]
    ]
    for (const [element, value] of refused) assert.strictEqual(Leaf.codec(element).encode(value), misfit)
  })
})
