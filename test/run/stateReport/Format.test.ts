import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Format from "../../../src/run/stateReport/Format.ts"

describe("numbers of a report", () => {
  it("have separators, and are short from 10,000 on", () => {
    assert.strictEqual(Format.count(1_234_567), "1,234,567")
    assert.deepStrictEqual([9999, 10_000, 1_250_000].map(Format.short), ["9,999", "10K", "1.3M"])
    assert.deepStrictEqual([Format.counted(1, "row"), Format.counted(2000, "row")], ["1 row", "2,000 rows"])
  })

  it("have a share of nothing as 0 %, and no decimals where they are exact", () => {
    assert.deepStrictEqual(
      [Format.percent(0, 0), Format.percent(0, 3), Format.percent(1, 3), Format.percent(3, 3)],
      ["0 %", "0 %", "33.3 %", "100 %"]
    )
  })

  it("name dates and costs that are unknown", () => {
    assert.deepStrictEqual([Format.date(null), Format.dollars(null)], ["unknown", "unknown"])
    assert.strictEqual(Format.date("2026-11-28T19:55:37Z"), "28 Nov 2026, 19:55:37")
    const zero = BigDecimal.fromBigInt(0n)
    assert.strictEqual(Format.cost({ cost: zero, unpriced: 2 }), "2 calls without a known price")
    const dollar = BigDecimal.fromBigInt(1n)
    assert.strictEqual(Format.cost({ cost: dollar, unpriced: 1 }), "$1.00 and 1 call without a known price")
  })
})
