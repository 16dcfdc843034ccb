/**
 * The calls of one job on a budget. What they may cost is recorded before they are sent, so that the next run of the job
 * knows it even if this process dies. It is recorded in steps, because each costs a commit: a hundredth of the budget
 * ahead, and less again once it is a tenth too much, such as after a large batch that cost less than it might have.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ClaudeError } from "../../claude/ClaudeError.ts"
import { type CallKey, CurrentCall, type ReplyStore } from "../../claude/ReplyStore.ts"
import { hash, type Request } from "../../claude/Request.ts"
import type { Account } from "../../claude/SpendStore.ts"
import * as Part from "./Part.ts"
import * as Purse from "./Purse.ts"

/** The calls of a job. */
export interface Ledger {
  /** Takes money for a call, as `Purse.take` does, and records it. */
  readonly take: (request: Request, most: BigDecimal.BigDecimal) => Effect.Effect<Purse.Taken, ClaudeError, Scope.Scope>
}

const zero = BigDecimal.fromBigInt(0n)

const hundredth = BigDecimal.make(1n, 2)

const tenth = BigDecimal.make(1n, 1)

/**
 * Adds what earlier runs spent to the budget. `replies` has the batches that they left, where this run continues with
 * them: their calls are in what those runs may have spent.
 */
export const open = Effect.fnUntraced(function* (
  whole: Purse.Purse,
  account: Account,
  replies: ReplyStore | undefined
): Effect.fn.Return<Ledger> {
  let { unsettled } = account
  let settled = zero
  let reserved = zero
  let recorded = unsettled
  let recording: Deferred.Deferred<void> | undefined
  const left = new Set<string>()
  if (replies !== undefined && !BigDecimal.isZero(unsettled)) {
    for (const { items } of yield* Effect.orDie(replies.unfinished)) {
      for (const { call, requestHash } of items) left.add(idOf(call, requestHash))
    }
  }
  whole.covers = "job"
  const part = account.shared && Part.make(whole, account.shared)
  whole.spent = BigDecimal.sumAll([whole.spent, account.billed, unsettled])
  // Bills in tokens are not stored, so that `unsettled` has them too.
  if (whole.unit === "USD") whole.lost = BigDecimal.sum(whole.lost, unsettled)

  /** What may have been spent besides the stored bills. */
  const besides = () => BigDecimal.subtract(BigDecimal.sumAll([unsettled, settled, reserved]), account.stored())
  account.atEnd(besides)

  const record = Effect.suspend(() => {
    const writing = Deferred.makeUnsafe<void>()
    recording = writing
    const amount = BigDecimal.sum(besides(), BigDecimal.multiply(whole.cap, hundredth))
    // From now on the store may have the lower amount.
    recorded = BigDecimal.min(recorded, amount)
    const stored = Effect.map(account.hold(amount), () => void (recorded = amount))
    return Effect.onExit(stored, (exit) =>
      Effect.sync(() => {
        recording = undefined
        Deferred.doneUnsafe(writing, exit)
      })
    )
  })
  const recordNow = Effect.uninterruptible(record)
  const isFarAbove = (amount: BigDecimal.BigDecimal) =>
    BigDecimal.isGreaterThan(BigDecimal.subtract(recorded, amount), BigDecimal.multiply(whole.cap, tenth))

  /** Returns when it is recorded that this much may be spent. One fiber at a time writes. */
  const covered: Effect.Effect<void> = Effect.suspend(() => {
    const amount = besides()
    if (BigDecimal.isGreaterThan(amount, recorded)) {
      return Effect.andThen(recording === undefined ? recordNow : Deferred.await(recording), covered)
    }
    return recording === undefined && isFarAbove(amount) ? recordNow : Effect.void
  })

  const enter = (taken: Purse.Taken) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const { most } = taken
        reserved = BigDecimal.sum(reserved, most)
        let isSettled = false
        const settle = (cost: BigDecimal.BigDecimal) => {
          if (isSettled) return
          isSettled = true
          reserved = BigDecimal.subtract(reserved, most)
          settled = BigDecimal.sum(settled, cost)
          taken.settle(cost)
          part?.settled()
        }
        return { ...taken, settle }
      }),
      ({ settle }) => Effect.sync(() => settle(zero))
    )

  /** A call in a batch of an earlier run was counted there as the most that it may cost. It is counted here instead. */
  const takesOver = (call: CallKey | undefined, request: Request, most: BigDecimal.BigDecimal): boolean => {
    if (left.size === 0 || call === undefined || BigDecimal.isGreaterThan(most, unsettled)) return false
    if (!left.delete(idOf(call, hash(request)))) return false
    unsettled = BigDecimal.subtract(unsettled, most)
    return true
  }

  if (part !== undefined) {
    return { take: (_, most) => part.taking(most, Effect.flatMap(Purse.take(whole, most), enter)) }
  }
  return {
    take: (request, most) =>
      Effect.withFiber((fiber) => {
        const call = fiber.getRef(CurrentCall)
        const taken = Effect.uninterruptibleMask((restore) =>
          Effect.suspend(() =>
            takesOver(call, request, most)
              ? Effect.flatMap(Purse.takeOver(whole, most), enter)
              : restore(Effect.flatMap(Purse.take(whole, most), enter))
          )
        )
        return Effect.tap(taken, () => covered)
      })
  }
})

const idOf = ({ hash, occurrence, path, row }: CallKey, requestHash: string) =>
  JSON.stringify([row, path, hash, occurrence, requestHash])
