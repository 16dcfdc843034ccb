/**
 * Notices when the program cannot continue without an answer: a run is quiet, it stays quiet while other fibers have a
 * turn, and no results are being handed on, which would wake more of it.
 */
import * as Effect from "effect/Effect"
import type * as Demand from "../../claude/Demand.ts"

/** Turns of the event loop: an item that has just begun or continued comes to its next call in fewer. */
const turns = 8

/** `send` runs when the program is quiet. `fork` runs an effect in the background. */
export const make = (send: () => void, fork: (effect: Effect.Effect<void>) => void) => {
  const runs = new Set<Demand.Demand>()
  let signals = 0
  let isChecking = false
  let deliveries = 0

  const check = Effect.gen(function* () {
    let seen: number
    do {
      seen = signals
      yield* Effect.repeat(Effect.yieldNow, { times: turns })
    } while (seen !== signals)
    isChecking = false
    if (deliveries > 0) return
    const isQuiet = [...runs].some((run) => run.isQuiet())
    runs.clear()
    if (isQuiet) send()
  })
  const begin = () => {
    if (isChecking || runs.size === 0) return
    isChecking = true
    fork(check)
  }
  return {
    /** For `Demand.blocked`. */
    onQuiet: (run: Demand.Demand): void => {
      signals += 1
      runs.add(run)
      begin()
    },
    /** Runs an effect that hands results on. */
    during: (effect: Effect.Effect<void>): Effect.Effect<void> =>
      Effect.acquireUseRelease(
        Effect.sync(() => (deliveries += 1)),
        () => effect,
        () =>
          Effect.sync(() => {
            deliveries -= 1
            begin()
          })
      )
  }
}
