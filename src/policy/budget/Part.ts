/**
 * The part of a budget that this process may spend, where several processes spend from it. The part grows in blocks before
 * it is spent, and shrinks again when it is more than the calls need. While a call of another process waits for money, it
 * has no spare money. A process that dies takes its part with it, so blocks are small: about what its calls take in a second.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Semaphore from "effect/Semaphore"
import { BudgetExceeded, ClaudeError } from "../../claude/ClaudeError.ts"
import type { Allotment, SharedAccount } from "../../claude/SpendStore.ts"
import * as Amount from "../../claude/Amount.ts"
import * as Purse from "./Purse.ts"

/** A block is at most a hundredth of the budget. */
const hundredth = BigDecimal.make(1n, 2)

const two = BigDecimal.fromBigInt(2n)
const half = BigDecimal.make(5n, 1)
const zero = BigDecimal.fromBigInt(0n)

/** How often a call asks again, while other processes may give back some of their parts. */
const interval = "500 millis"

/** Limits the purse to the part of this process, which is empty at first. */
export const make = (purse: Purse.Purse, { allot, look, regularly }: SharedAccount) => {
  let budget = purse.cap
  purse.cap = zero
  let block = zero
  /** How often calls have asked for money in this second. */
  let asked = 0
  /** Whether the others know that this process has nothing to give back. */
  let reportedIdle = false
  /** Whether a call of another process waits for money. */
  let isWanted = false
  const settled = Latch.makeUnsafe()
  const one = Semaphore.makeUnsafe(1)
  const used = () => BigDecimal.sum(purse.spent, purse.reserved)
  /** The budget can change. Where it became lower, calls take nothing before the others agree. */
  const follow = (cap: BigDecimal.BigDecimal) => {
    if (BigDecimal.isLessThan(cap, budget)) purse.cap = BigDecimal.min(purse.cap, used())
    budget = cap
  }
  const receive = (answer: Allotment) => {
    if (answer._tag === "granted") purse.cap = answer.amount
    follow(answer.cap)
    return answer
  }
  const ask = (most: BigDecimal.BigDecimal) => {
    const needed = BigDecimal.sum(used(), most)
    asked += 1
    const wanted = isWanted ? needed : BigDecimal.sum(needed, block)
    // Calls that ask often take more at once.
    block = BigDecimal.min(
      BigDecimal.max(most, BigDecimal.multiply(block, two)),
      BigDecimal.multiply(budget, hundredth)
    )
    const answer = allot({
      needed,
      wanted,
      cap: budget,
      waits: "until granted",
      isIdle: isIdle(Purse.remaining(purse))
    })
    return Effect.map(answer, (answer) => {
      if (answer._tag === "granted") reportedIdle = false
      return receive(answer)
    })
  }
  /** Without a call in flight and without spare money, it has nothing to give back. */
  const isIdle = (spare: BigDecimal.BigDecimal) =>
    (reportedIdle = BigDecimal.isZero(purse.reserved) && BigDecimal.isZero(spare))

  /** Keeps what its calls need. From then on calls take from the smaller part. */
  const giveBack = (spare: BigDecimal.BigDecimal, waits: "no" | "still") => {
    const needed = used()
    const wanted = BigDecimal.sum(needed, spare)
    purse.cap = wanted
    return Effect.map(allot({ needed, wanted, cap: budget, waits, isIdle: isIdle(spare) }), receive)
  }
  const shrink = Effect.gen(function* () {
    const seen = yield* look
    isWanted = seen.isWanted
    follow(seen.cap ?? budget)
    if (asked < 2) block = BigDecimal.multiply(block, half)
    asked = 0
    const spare = isWanted ? zero : block
    const excess = BigDecimal.subtract(Purse.remaining(purse), BigDecimal.multiply(spare, two))
    // A call of another process must not wait for money that is spent.
    const mustReport = isWanted && BigDecimal.isZero(purse.reserved) && !reportedIdle
    if (mustReport || BigDecimal.isGreaterThan(excess, zero)) yield* giveBack(spare, "no")
  })
  regularly(one.withPermit(Effect.uninterruptible(shrink)))

  /** Returns when the part covers the call. */
  const cover = Effect.fnUntraced(function* (most: BigDecimal.BigDecimal) {
    if (BigDecimal.isGreaterThan(purse.cap, budget)) {
      // The budget was raised. The part grows only with the answer of the others.
      budget = purse.cap
      purse.cap = used()
    }
    while (BigDecimal.isGreaterThan(most, Purse.remaining(purse))) {
      const answer = yield* Effect.uninterruptible(ask(most))
      if (answer._tag === "granted") continue
      // Several processes may wait for one another.
      if (BigDecimal.isGreaterThan(purse.cap, used())) yield* Effect.uninterruptible(giveBack(zero, "still"))
      const mayFit = !BigDecimal.isGreaterThan(
        BigDecimal.sum(purse.spent, most),
        BigDecimal.sum(answer.left, answer.returnable)
      )
      if (!mayFit) return yield* exceeded(purse, budget, answer, most)
      settled.closeUnsafe()
      yield* Effect.timeoutOption(settled.await, interval)
    }
  })
  return {
    /** A call has given back what it did not cost. */
    settled: () => settled.openUnsafe(),
    /** Takes money for a call once the part covers it. Calls wait in order of arrival. */
    taking: <A, E, R>(most: BigDecimal.BigDecimal, take: Effect.Effect<A, E, R>) =>
      one.withPermit(Effect.andThen(cover(most), take))
  }
}
const exceeded = (
  { spent, unit }: Purse.Purse,
  budget: BigDecimal.BigDecimal,
  { left }: Extract<Allotment, { readonly _tag: "refused" }>,
  most: BigDecimal.BigDecimal
) => {
  const write = (value: BigDecimal.BigDecimal, rounding?: "up" | "down") => Amount.format({ unit, value }, rounding)
  const rest = write(BigDecimal.max(zero, BigDecimal.subtract(left, spent)), "down")
  const needs = unit === "USD" ? "cost" : "use"
  const detail = `the budget of this job has ${rest} of ${write(budget)} left, and this call may ${needs} up to ${write(most, "up")}`
  return Effect.fail(new ClaudeError({ reason: new BudgetExceeded({ detail }) }))
}
