/**
 * The spending of a job while it runs, for a budget over all its runs. At the end of the run it records what calls may
 * have cost whose bill is not stored, such as calls that were interrupted.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import type { SpendStore, Unit } from "../claude/SpendStore.ts"
import type { JournalFailed, Spending } from "./Journal.ts"

/** `orStop` stops the run where the journal fails. */
export const make = (
  { billed, hold, shared, stored, unsettled }: Spending,
  orStop: <A>(store: Effect.Effect<A, JournalFailed>) => Effect.Effect<A, JournalFailed>
) => {
  const ends = new Map<Unit, () => BigDecimal.BigDecimal>()
  const regular: Array<Effect.Effect<void>> = []
  const store: SpendStore = {
    account: (unit) => ({
      billed: billed[unit],
      unsettled: unsettled[unit],
      stored: () => stored(unit),
      hold: (amount) => Effect.orDie(orStop(hold(unit, amount))),
      atEnd: (unsettled) => void ends.set(unit, unsettled),
      shared: shared && {
        allot: (amounts) => Effect.orDie(orStop(shared.allot(unit, amounts))),
        look: Effect.orDie(orStop(shared.look(unit))),
        regularly: (effect) => void regular.push(effect)
      }
    })
  }
  /** Records what is unsettled when all calls have ended. */
  const end = Effect.suspend(() =>
    Effect.forEach(ends, ([unit, unsettled]) => Effect.ignore(orStop(hold(unit, BigDecimal.max(zero, unsettled())))), {
      discard: true
    })
  )
  /** Runs the effects of the accounts once; the caller repeats it while the process works. */
  const regularly = Effect.suspend(() => Effect.all(regular, { discard: true }))
  return { store, end, regularly }
}

const zero = BigDecimal.fromBigInt(0n)
