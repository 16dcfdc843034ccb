/**
 * The part of a budget that this process may spend, where several processes spend from it. The part grows in blocks before
 * it is spent, and shrinks again when it is more than the calls need.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Semaphore from "effect/Semaphore"
import { BudgetExceeded, ClaudeError } from "../../claude/ClaudeError.ts"
import type { Allotment, SharedAccount } from "../../claude/SpendStore.ts"
import * as Timer from "../../claude/Timer.ts"
import * as Amount from "./Amount.ts"
import * as Purse from "./Purse.ts"

/** A block is a hundredth of the budget. */
const hundredth = BigDecimal.make(1n, 2)

/** A part with more spare blocks than this one shrinks. */
const spare = BigDecimal.fromBigInt(4n)

const zero = BigDecimal.fromBigInt(0n)

/** How often a call asks again, while other processes may give back some of their parts. */
const interval = "500 millis"

/** A process that died gives nothing back, so a call fails after this time without a change. In milliseconds. */
const patience = 60_000

/** Limits the purse to the part of this process, which is empty at first. */
export const make = (purse: Purse.Purse, { allot, regularly }: SharedAccount) => {
  let budget = purse.cap
  purse.cap = zero
  const settled = Latch.makeUnsafe()
  const one = Semaphore.makeUnsafe(1)
  const block = () => BigDecimal.multiply(budget, hundredth)
  const used = () => BigDecimal.sum(purse.spent, purse.reserved)
  const ask = (needed: BigDecimal.BigDecimal) =>
    Effect.map(allot({ needed, wanted: BigDecimal.sum(needed, block()), cap: budget }), (answer) => {
      if (answer._tag === "granted") purse.cap = answer.amount
      return answer
    })

  /** Keeps what its calls need. From then on calls take from the smaller part. */
  const giveBack = (spare: BigDecimal.BigDecimal) => {
    const needed = used()
    const wanted = BigDecimal.sum(needed, spare)
    purse.cap = wanted
    return Effect.map(allot({ needed, wanted, cap: budget }), (answer) => {
      if (answer._tag === "granted") purse.cap = answer.amount
    })
  }
  const shrink = Effect.suspend(() => {
    const excess = BigDecimal.subtract(Purse.remaining(purse), BigDecimal.multiply(block(), spare))
    if (!BigDecimal.isGreaterThan(excess, zero)) return Effect.void
    return giveBack(block())
  })
  regularly(one.withPermit(Effect.uninterruptible(shrink)))

  /** Returns when the part covers the call. */
  const cover = Effect.fnUntraced(function* (most: BigDecimal.BigDecimal) {
    const clock = yield* Clock.Clock
    let since = Timer.now(clock)
    let last = ""
    if (BigDecimal.isGreaterThan(purse.cap, budget)) {
      // The budget was raised. The part grows only with the answer of the others.
      budget = purse.cap
      purse.cap = used()
    }
    while (BigDecimal.isGreaterThan(most, Purse.remaining(purse))) {
      const answer = yield* Effect.uninterruptible(ask(BigDecimal.sum(used(), most)))
      if (answer._tag === "granted") return
      // Several processes may wait for one another.
      if (BigDecimal.isGreaterThan(purse.cap, used())) yield* Effect.uninterruptible(giveBack(zero))
      const now = `${BigDecimal.format(answer.left)} ${BigDecimal.format(used())}`
      if (now !== last) since = Timer.now(clock)
      last = now
      const mayFit = !BigDecimal.isGreaterThan(
        BigDecimal.sum(purse.spent, most),
        BigDecimal.sum(answer.left, answer.returnable)
      )
      if (!mayFit || Timer.now(clock) - since > patience) return yield* exceeded(purse, budget, answer, most)
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
