/**
 * Bounds the calls of a run that are on the wire or whose reply is not stored yet. These are what a crash may lose, so
 * answers that wait for the journal count too: a slow database does not let more calls out than the concurrency allows.
 */
import * as Effect from "effect/Effect"

/** The calls that a crash would lose. */
export interface InFlight {
  /** Waits for room, and then runs `begin`. The caller must call `leave` for it. */
  readonly enter: (begin: () => void) => Effect.Effect<void>
  readonly leave: () => void
}

/** `most` is read again whenever it is reached, because a cap can be resized. */
export const make = (most: Effect.Effect<number>): InFlight => {
  let known = 0
  let count = 0
  const waiting = new Set<() => void>()

  const admit = (begin: () => void) => {
    count += 1
    begin()
    return Effect.void
  }
  /** The check and the wait are one step: a call that ended between them would wake no other call. */
  const room = Effect.callback<void>((resume) => {
    if (count < known) return resume(Effect.void)
    const wake = () => resume(Effect.void)
    waiting.add(wake)
    return Effect.sync(() => waiting.delete(wake))
  })
  const enter = (begin: () => void): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (count < known) return admit(begin)
      return Effect.flatMap(most, (limit) => {
        known = Math.max(1, limit)
        return Effect.flatMap(room, () => enter(begin))
      })
    })
  return {
    enter,
    // All of them, because one that is woken may be interrupted. They are few: each holds a permit.
    leave: () => {
      count -= 1
      const woken = [...waiting]
      waiting.clear()
      for (const wake of woken) wake()
    }
  }
}
