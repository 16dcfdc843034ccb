import { assert, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Total from "../../../src/pipeline/journal/Total.ts"

const price = BigDecimal.fromStringUnsafe("0.1")

it("adds costs exactly, and counts the calls without a price apart", () => {
  const three = [price, undefined, price, price].reduce(Total.add, Total.zero)
  assert.deepStrictEqual([three.calls, BigDecimal.format(three.cost), three.unpriced], [4, "0.3", 1])
  const { calls, cost, unpriced } = Total.sum([three, three])
  assert.deepStrictEqual([calls, BigDecimal.format(cost), unpriced], [8, "0.6", 2])
})

it("is zero without calls", () => {
  const { calls, cost, unpriced } = Total.sum([])
  assert.deepStrictEqual([calls, BigDecimal.format(cost), unpriced], [0, "0", 0])
})
