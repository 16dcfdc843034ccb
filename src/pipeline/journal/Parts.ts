/**
 * Divides the budget of a job between the processes that work on it. What a process may spend is stored before it spends
 * it, so that all together never exceed the budget. The part of a process that died counts as spent: its calls in flight
 * may have been billed.
 */
import * as BigDecimal from "effect/BigDecimal"
import type { Allotment } from "../../claude/SpendStore.ts"

/** The part of another process, also of one that has ended. */
export interface OtherPart {
  /** What it may spend, or has spent if it has ended; null if it has asked for nothing. */
  readonly allotted: BigDecimal.BigDecimal | null
  /** Its stored bills. */
  readonly billed: BigDecimal.BigDecimal
  readonly isLiving: boolean
  /** Whether it has no call in flight and no spare money, so that it has nothing to give back. */
  readonly isIdle: boolean
}

const zero = BigDecimal.fromBigInt(0n)

/** The part that a process gets of what the others leave. `unsettled` is what earlier runs may have spent. */
export const allot = (
  { cap, needed, wanted }: Record<"cap" | "needed" | "wanted", BigDecimal.BigDecimal>,
  unsettled: BigDecimal.BigDecimal,
  others: ReadonlyArray<OtherPart>
): Allotment => {
  let left = BigDecimal.subtract(cap, unsettled)
  let returnable = zero
  for (const { allotted, billed, isIdle, isLiving } of others) {
    const part = BigDecimal.max(billed, allotted ?? zero)
    left = BigDecimal.subtract(left, part)
    if (isLiving && !isIdle) returnable = BigDecimal.sum(returnable, BigDecimal.subtract(part, billed))
  }
  return BigDecimal.isGreaterThan(needed, left)
    ? { _tag: "refused", cap, left, returnable }
    : { _tag: "granted", cap, amount: BigDecimal.min(left, wanted) }
}
