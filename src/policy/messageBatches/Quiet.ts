/**
 * Notices when the program cannot go on without an answer: a run is quiet, it stays quiet while other fibers have a turn,
 * and no results are being handed on, which would wake more of it.
 */
import * as Effect from "effect/Effect"
import type * as Demand from "../../claude/Demand.ts"

/** Runs an effect in the background. */
export type Fork = (effect: Effect.Effect<void>) => void

/** Turns of the event loop: an item that has just begun or continued comes to its next call in fewer. */
const turns = 8

/** `send` runs when the program is quiet. */
export const make = (send: () => void) => {
  const runs = new Map<Demand.Demand, Fork>()
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
    const isQuiet = [...runs.keys()].some((run) => run.isQuiet())
    runs.clear()
    if (isQuiet) send()
  })
  const begin = (fork: Fork) => {
    if (isChecking) return
    isChecking = true
    fork(check)
  }
  return {
    /** For `Demand.blocked`. */
    onQuiet:
      (fork: Fork): Demand.OnQuiet =>
      (run) => {
        signals += 1
        runs.set(run, fork)
        begin(fork)
      },
    /** Runs an effect that hands results on. */
    during: (effect: Effect.Effect<void>): Effect.Effect<void> =>
      Effect.acquireUseRelease(
        Effect.sync(() => (deliveries += 1)),
        () => effect,
        () =>
          Effect.sync(() => {
            deliveries -= 1
            for (const fork of runs.values()) begin(fork)
          })
      )
  }
}
