/**
 * The money of a budget, or of one of its shares. A call takes the most that it may cost before it is sent, and gives
 * back what it did not cost. Where the money is out at the moment, calls wait in order of arrival.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { BudgetExceeded, ClaudeError } from "../../claude/ClaudeError.ts"
import * as Demand from "../../claude/Demand.ts"
import * as Event from "../../claude/Event.ts"
import type { Unit } from "../../claude/SpendStore.ts"
import * as Amount from "../../claude/Amount.ts"

/** The state of a purse, in its unit. */
export interface Purse {
  readonly unit: Unit
  /** The label or the step whose purse it is; undefined for the whole budget. */
  readonly share: string | undefined
  /** It counts the calls of all runs of a job, or of this process. */
  covers: "job" | "run"
  cap: BigDecimal.BigDecimal
  spent: BigDecimal.BigDecimal
  /** The part of `spent` that earlier runs may have spent on calls whose answers they never saw. */
  lost: BigDecimal.BigDecimal
  /** The most that the calls in flight may cost. */
  reserved: BigDecimal.BigDecimal
  /** In order of arrival. The first one does not fit at the moment. */
  readonly waiting: Set<Waiting>
  isProceeding: boolean
}

interface Waiting {
  readonly most: BigDecimal.BigDecimal
  readonly answer: Deferred.Deferred<Taken, ClaudeError>
  taken: Taken | undefined
}

/** The money that one call has taken. */
export interface Taken {
  readonly purse: Purse
  readonly most: BigDecimal.BigDecimal
  /** Gives back what the call did not cost. Only the first time counts. */
  readonly settle: (cost: BigDecimal.BigDecimal) => void
}

const zero = BigDecimal.fromBigInt(0n)

/** A full purse. */
export const make = ({ unit, value }: Amount.Amount, share?: string): Purse => ({
  unit,
  share,
  covers: "run",
  cap: value,
  spent: zero,
  lost: zero,
  reserved: zero,
  waiting: new Set(),
  isProceeding: false
})

/** What is left if all calls in flight cost as much as they may. */
export const remaining = ({ cap, reserved, spent }: Purse) => BigDecimal.subtract(cap, BigDecimal.sum(spent, reserved))

/** Whether a call may cost more than would be left even if the calls in flight cost nothing. */
export const lacks = ({ cap, spent }: Purse, most: BigDecimal.BigDecimal): boolean =>
  BigDecimal.isGreaterThan(BigDecimal.sum(spent, most), cap)

/** The cap after it was raised. Waiting calls continue. */
export const raise = (purse: Purse, to: BigDecimal.BigDecimal): void => {
  purse.cap = BigDecimal.max(purse.cap, to)
  proceed(purse)
}

/** Takes money, at once or after a wait, until the scope closes. Fails if no call in flight can free enough. */
export const take = (purse: Purse, most: BigDecimal.BigDecimal): Effect.Effect<Taken, ClaudeError, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      if (lacks(purse, most)) return Effect.fail(exceeded(purse, most))
      if (purse.waiting.size === 0 && fits(purse, most))
        return Effect.tap(Effect.succeed(taking(purse, most)), returning)
      return Effect.tap(wait(purse, most, restore), returning)
    })
  )

/** Takes money that counted as spent until now, because an earlier run sent the call. */
export const takeOver = (purse: Purse, most: BigDecimal.BigDecimal): Effect.Effect<Taken, never, Scope.Scope> =>
  Effect.uninterruptible(
    Effect.tap(
      Effect.sync(() => {
        purse.spent = BigDecimal.subtract(purse.spent, most)
        purse.lost = BigDecimal.subtract(purse.lost, most)
        return taking(purse, most)
      }),
      returning
    )
  )

const returning = (taken: Taken) => Effect.addFinalizer(() => Effect.sync(() => taken.settle(zero)))

const wait = (
  purse: Purse,
  most: BigDecimal.BigDecimal,
  restore: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
) => {
  const waiting: Waiting = { most, answer: Deferred.makeUnsafe(), taken: undefined }
  purse.waiting.add(waiting)
  const isFirst = purse.waiting.size === 1
  // If every item of a run waits for money, the run sends the batch that it has collected, and this frees some.
  const answer = Demand.blocked(ignore)(Deferred.await(waiting.answer))
  const waited = Effect.onInterrupt(restore(answer), () =>
    Effect.sync(() => {
      waiting.taken?.settle(zero)
      if (purse.waiting.delete(waiting)) proceed(purse)
    })
  )
  const reported = Effect.ensuring(
    waited,
    Effect.suspend(() => (purse.waiting.size === 0 ? binds(purse, false) : Effect.void))
  )
  return isFirst ? Effect.andThen(binds(purse, true), reported) : reported
}

const binds = ({ share }: Purse, binds: boolean) => Event.emit(() => ({ _tag: "budget-binds", share, binds }))

const ignore: Demand.OnQuiet = () => {}

const fits = (purse: Purse, most: BigDecimal.BigDecimal) => !BigDecimal.isGreaterThan(most, remaining(purse))

const taking = (purse: Purse, most: BigDecimal.BigDecimal): Taken => {
  let isSettled = false
  purse.reserved = BigDecimal.sum(purse.reserved, most)
  const settle = (cost: BigDecimal.BigDecimal) => {
    if (isSettled) return
    isSettled = true
    purse.reserved = BigDecimal.subtract(purse.reserved, most)
    purse.spent = BigDecimal.sum(purse.spent, cost)
    proceed(purse)
  }
  return { purse, most, settle }
}

/** Lets waiting calls continue, the first one first. A call that continues may settle at once, within this loop. */
const proceed = (purse: Purse): void => {
  if (purse.isProceeding) return
  purse.isProceeding = true
  for (const waiting of purse.waiting) {
    const { answer, most } = waiting
    const isHopeless = lacks(purse, most)
    if (!isHopeless && !fits(purse, most)) break
    purse.waiting.delete(waiting)
    if (!isHopeless) waiting.taken = taking(purse, most)
    Deferred.doneUnsafe(
      answer,
      waiting.taken === undefined ? Effect.fail(exceeded(purse, most)) : Effect.succeed(waiting.taken)
    )
  }
  purse.isProceeding = false
}

/** Its name in messages. */
export const nameOf = ({ covers, share }: Purse): string =>
  `the budget of this ${covers}${share === undefined ? "" : ` for ${share}`}`

const exceeded = (purse: Purse, most: BigDecimal.BigDecimal): ClaudeError => {
  const { cap, lost, share, spent, unit } = purse
  const write = (value: BigDecimal.BigDecimal, rounding?: "up" | "down") => Amount.format({ unit, value }, rounding)
  // Rounded apart, so that the text never says that the rest covers the call.
  const left = write(BigDecimal.max(zero, BigDecimal.subtract(cap, spent)), "down")
  const needs = unit === "USD" ? "cost" : "use"
  const losses = BigDecimal.isGreaterThan(lost, zero)
    ? ` (calls of earlier runs whose answers were lost may have cost ${write(lost)})`
    : ""
  const detail = `${nameOf(purse)} has ${left} of ${write(cap)} left${losses}, and this call may ${needs} up to ${write(most, "up")}`
  return new ClaudeError({ reason: new BudgetExceeded({ detail, ...(share !== undefined && { share }) }) })
}
