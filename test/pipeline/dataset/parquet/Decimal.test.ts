import { assert, describe, it } from "@effect/vitest"
import { misfit } from "../../../../src/pipeline/dataset/parquet/Codec.ts"
import * as Decimal from "../../../../src/pipeline/dataset/parquet/Decimal.ts"

describe("Decimal", () => {
  it("keeps every digit, whatever the file stores", () => {
    assert.strictEqual(price.decode(123456789012345678n), "1234567890123456.78")
    assert.strictEqual(price.decode(-5), "-0.05")
    assert.strictEqual(price.decode(Uint8Array.of(0xff, 0x85)), "-1.23")
    assert.strictEqual(Decimal.codec({ name: "n", precision: 5 }).decode(42), "42")
  })

  it("writes what it reads, and shorter forms of it", () => {
    for (const text of ["1234567890123456.78", "-0.05", "0.00"])
      assert.strictEqual(price.decode(price.encode(text)), text)
    assert.strictEqual(price.encode("1.5"), 150n)
    assert.strictEqual(price.encode("1.500"), 150n)
    assert.strictEqual(price.encode(2), 200n)
  })

  it("refuses more digits than the column has, and what is no decimal", () => {
    for (const value of ["1.001", "1e3", "12345678901234567.00", "", null])
      assert.strictEqual(price.encode(value), misfit)
  })

  it("takes precision and scale from the newer type", () => {
    const codec = Decimal.codec({ name: "n", logical_type: { type: "DECIMAL", precision: 3, scale: 1 } })
    assert.strictEqual(codec.decode(123), "12.3")
  })
})

const price = Decimal.codec({ name: "price", converted_type: "DECIMAL", precision: 18, scale: 2 })
