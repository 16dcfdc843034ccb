/**
 * Spends at most a budget, in money or in tokens. Each attempt takes the most that it may cost before it is sent, and
 * gives back the rest once its bill is known, so concurrent calls cannot overspend together. Put it outside `Concurrency`
 * and `RateLimit` and inside `Retry`. An answer of a cache is free.
 *
 * In a job, the budget covers all its runs: the state has what earlier ones spent, or may have spent. A stream holds its
 * money until it is closed. A client of `Fallback` with its own policies needs the budget too, as `stack` gives it.
 *
 * A call waits while the calls in flight may leave enough, and fails with `BudgetExceeded` when they cannot. An attempt
 * that was interrupted, or whose connection broke, counts as the most that it may have cost.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { type Admission, admitting } from "../claude/Admission.ts"
import { CallSite } from "../claude/CallSite.ts"
import { type Claude, wrap } from "../claude/Claude.ts"
import { BudgetExceeded, ClaudeError } from "../claude/ClaudeError.ts"
import * as Event from "../claude/Event.ts"
import { Hold } from "../claude/Hold.ts"
import type { Request } from "../claude/Request.ts"
import { ReplyStore } from "../claude/ReplyStore.ts"
import { ServiceTier } from "../claude/ServiceTier.ts"
import { SpendStore, type Unit } from "../claude/SpendStore.ts"
import * as Amount from "../claude/Amount.ts"
import * as Bound from "./budget/Bound.ts"
import * as Ledger from "./budget/Ledger.ts"
import * as Purse from "./budget/Purse.ts"
import * as Settlement from "./budget/Settlement.ts"

export { Amount } from "../claude/Amount.ts"

/**
 * What may be spent: by all calls together, and by some of them. In a job, `cap` covers all its runs; the parts for
 * labels and steps count the calls of this process only.
 */
export interface Caps {
  readonly cap: Amount.Text | Amount.Amount
  /** The same for each value of a label: `{ tenant: "1 USD" }` is a dollar for each tenant. See `CallSite.label`. */
  readonly labels?: Readonly<Record<string, Amount.Text>>
  /** For a step and the steps in it, by its path: `{ "answer/judge": "2M tokens" }`. */
  readonly steps?: Readonly<Record<string, Amount.Text | Amount.Amount>>
}

/** A budget that can be read and raised while calls run. Its amounts are US dollars, or tokens. */
export interface Budget {
  readonly unit: Unit
  readonly cap: Effect.Effect<BigDecimal.BigDecimal>
  readonly spent: Effect.Effect<BigDecimal.BigDecimal>
  /** The most that the calls in flight may cost. */
  readonly reserved: Effect.Effect<BigDecimal.BigDecimal>
  /** Neither spent nor reserved. */
  readonly remaining: Effect.Effect<BigDecimal.BigDecimal>
  readonly raise: (to: Amount.Text | Amount.Amount) => Effect.Effect<void>
  /** The purses that a call takes from, the whole budget last. */
  readonly pursesOf: (site: CallSite) => ReadonlyArray<Purse.Purse>
  /** The calls of a job. `replies` has the batches that its earlier runs left. */
  readonly ledgerOf: (store: SpendStore, replies: ReplyStore | undefined) => Effect.Effect<Ledger.Ledger>
}

/** A budget of this amount, or with these caps. Several layers can share one budget. */
export const make = (caps: Amount.Text | Caps): Effect.Effect<Budget> => Effect.sync(() => makeUnsafe(caps))

/** Raises the cap to this amount, in the unit of the budget. Waiting calls continue. A lower amount changes nothing. */
export const raise = (self: Budget, to: Amount.Text | Amount.Amount): Effect.Effect<void> => self.raise(to)

/** The budget of `policy`'s argument, to use it in several layers: they then spend from one budget. */
export const from = (budget: Amount.Text | Caps | Budget): Budget =>
  typeof budget === "object" && "pursesOf" in budget ? budget : makeUnsafe(budget)

const makeUnsafe = (given: Amount.Text | Caps): Budget => {
  const { cap, labels = {}, steps = {} } = typeof given === "string" ? { cap: given } : given
  const whole = Purse.make(Amount.fromUnsafe(cap))
  const ledgers = new WeakMap<SpendStore, Deferred.Deferred<Ledger.Ledger>>()
  const amounts = Object.entries(labels).map(([name, text]) => [name, Amount.fromUnsafe(text)] as const)
  const ofLabels = new Map<string, Purse.Purse>()
  const ofSteps = Object.entries(steps).map(
    ([path, text]) => [path, Purse.make(Amount.fromUnsafe(text), `step "${path}"`)] as const
  )

  const pursesOf = ({ labels, path }: CallSite): ReadonlyArray<Purse.Purse> => {
    if (amounts.length + ofSteps.length === 0) return [whole]
    const own = amounts.flatMap(([name, amount]) => {
      const value = labels[name]
      if (value === undefined) return []
      const share = `${name} "${value}"`
      const purse = ofLabels.get(share) ?? Purse.make(amount, share)
      ofLabels.set(share, purse)
      return [purse]
    })
    const place = `${path.join("/")}/`
    const around = ofSteps.flatMap(([path, purse]) => (place.startsWith(`${path}/`) ? [purse] : []))
    return [...own, ...around, whole]
  }
  return {
    unit: whole.unit,
    cap: Effect.sync(() => whole.cap),
    spent: Effect.sync(() => whole.spent),
    reserved: Effect.sync(() => whole.reserved),
    remaining: Effect.sync(() => Purse.remaining(whole)),
    raise: (to) =>
      Effect.suspend(() => {
        const { unit, value } = Amount.fromUnsafe(to)
        if (unit !== whole.unit)
          return Effect.die(new Error(`a budget in ${whole.unit} is raised in ${whole.unit}, not in ${unit}`))
        Purse.raise(whole, value)
        return Effect.void
      }),
    pursesOf,
    ledgerOf: (store, replies) =>
      Effect.suspend(() => {
        const known = ledgers.get(store)
        if (known !== undefined) return Deferred.await(known)
        const opened = Deferred.makeUnsafe<Ledger.Ledger>()
        ledgers.set(store, opened)
        const open = Ledger.open(whole, store.account(whole.unit), replies)
        return Effect.andThen(Effect.uninterruptible(Deferred.complete(opened, open)), Deferred.await(opened))
      })
  }
}

/**
 * Spends at most this budget: an amount such as `"5 USD"` or `"2M tokens"`, caps, or a budget of `Budget.make`. A wait
 * for money is reported as a `call-waited` event.
 */
export const policy = (budget: Amount.Text | Caps | Budget) => {
  const self = from(budget)
  return wrap((next) =>
    Effect.map(ServiceTier, (tier) => admitting(next, (request) => admit(self, next, request, tier)))
  )
}

const admit = Effect.fnUntraced(function* (
  self: Budget,
  next: Claude["Service"],
  request: Request,
  serviceTier: ServiceTier
) {
  const purses = self.pursesOf(yield* CallSite)
  const clock = yield* Clock.Clock
  const since = clock.monotonicTimeNanosUnsafe()
  const sending = { request, serviceTier, at: new Date(clock.currentTimeMillisUnsafe()) }
  const store = yield* SpendStore
  const ledger = store && (yield* self.ledgerOf(store, serviceTier === "batch" ? yield* ReplyStore : undefined))
  /** With this many tokens in the prompt, it takes the most that the call may cost from each purse, or from none. */
  const takeFor = Effect.fnUntraced(function* (input: number | undefined) {
    const taken: Array<Purse.Taken> = []
    for (const [purse, most] of yield* mostsOf(sending, purses, input)) {
      const isWhole = purse.share === undefined
      const take = ledger !== undefined && isWhole ? ledger.take(request, most) : Purse.take(purse, most)
      taken.push(yield* Effect.onError(take, () => Effect.sync(() => taken.forEach(({ settle }) => settle(zero)))))
    }
    return taken
  })
  /** The API counts the tokens where their bytes alone are too much. */
  const counted = Effect.fnUntraced(function* (error: ClaudeError) {
    const least = yield* mostsOf(sending, purses, 0)
    // The next run must find the same bound for a call in a batch that this one leaves.
    if (serviceTier === "batch" || least.some(([purse, most]) => Purse.lacks(purse, most))) return yield* error
    return yield* takeFor(Bound.ofCount(yield* Effect.mapError(next.countTokens(request), () => error)))
  })
  const taken = yield* takeFor(Bound.input(sending)).pipe(
    Effect.catchIf(isExceeded, counted),
    Effect.mapError((error) => advised(error, request))
  )
  yield* Event.emitWaited(request.model, "budget", since)
  const hold: Hold = { isHeld: false }
  return {
    request,
    context: Context.add(Hold, hold),
    settle: (outcome) =>
      Effect.sync(() => {
        const settlement = hold.isHeld ? "nothing" : Settlement.of(outcome, request.model)
        const at = new Date(clock.currentTimeMillisUnsafe())
        for (const { most, purse, settle } of taken) settle(Settlement.amount(settlement, purse.unit, most, at))
      })
  } satisfies Admission
})

const isExceeded = ({ reason }: ClaudeError) => reason._tag === "BudgetExceeded"

/** A call reserves all of its `max_tokens`, so a lower one may help too. */
const advised = (error: ClaudeError, { max_tokens }: Request): ClaudeError => {
  const { reason } = error
  if (reason._tag !== "BudgetExceeded") return error
  const remedy = `raise the budget, or lower max_tokens (${max_tokens})`
  return new ClaudeError({ reason: new BudgetExceeded({ ...reason, remedy }) })
}

const zero = BigDecimal.fromBigInt(0n)

/** What a call takes from each purse. */
const mostsOf = (sending: Bound.Sending, purses: ReadonlyArray<Purse.Purse>, input: number | undefined) =>
  Effect.forEach(purses, (purse) => {
    const most = input === undefined ? undefined : Bound.most(sending, purse.unit, input)
    return most === undefined
      ? Effect.fail(Bound.unbounded(sending, purse.unit, Purse.nameOf(purse)))
      : Effect.succeed([purse, most] as const)
  })
