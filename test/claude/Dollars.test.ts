import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Dollars from "../../src/claude/Dollars.ts"

const write = (amount: string, rounding?: Dollars.Rounding) =>
  Dollars.format(BigDecimal.fromStringUnsafe(amount), rounding)

describe("dollars", () => {
  it("are rounded to the nearest value, up or down", () => {
    for (const [amount, nearest, up, down] of [
      ["12.345", "$12.35", "$12.35", "$12.34"],
      ["0.00216", "$0.0022", "$0.0022", "$0.0021"],
      ["0.00001234", "$0.000012", "$0.000013", "$0.000012"],
      ["0.99991", "$0.9999", "$1.0000", "$0.9999"],
      ["0.5", "$0.5000", "$0.5000", "$0.5000"],
      ["0", "$0.00", "$0.00", "$0.00"]
    ] as const) {
      assert.deepStrictEqual([write(amount), write(amount, "up"), write(amount, "down")], [nearest, up, down])
    }
  })
})
