/**
 * What calls cost together. The cost is exact; calls without a known price are counted apart.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Schema from "effect/Schema"

export const Total = Schema.Struct({
  /** Calls that were billed. */
  calls: Schema.Int,
  /** In US dollars, of the calls with a known price. */
  cost: Schema.BigDecimal,
  /** Calls whose price is unknown. */
  unpriced: Schema.Int
})
export type Total = typeof Total.Type

export const zero: Total = { calls: 0, cost: BigDecimal.fromBigInt(0n), unpriced: 0 }

/** Adds one call; `undefined` is an unknown price. */
export const add = ({ calls, cost, unpriced }: Total, price: BigDecimal.BigDecimal | undefined): Total => ({
  calls: calls + 1,
  cost: price === undefined ? cost : BigDecimal.sum(cost, price),
  unpriced: price === undefined ? unpriced + 1 : unpriced
})

export const sum = (totals: Iterable<Total>): Total => {
  let { calls, cost, unpriced } = zero
  for (const total of totals) {
    calls += total.calls
    cost = BigDecimal.sum(cost, total.cost)
    unpriced += total.unpriced
  }
  return { calls, cost, unpriced }
}
