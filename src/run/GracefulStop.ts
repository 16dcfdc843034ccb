/**
 * Ends a run at the first signal without losing what is paid for: the run starts no more rows, and its calls in flight get
 * time to finish. A second signal ends it at once.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { Drain } from "../pipeline/Drain.ts"
import { Signals } from "./Signals.ts"

/** The time that calls in flight get. */
export const grace = "30 seconds"

const atOnce = "a second signal ends the run at once"

/** How a run reacts to the first signal. */
export interface Reaction {
  /** Whether rows are claimed. Before that there is nothing to finish. */
  readonly hasBegun: () => boolean
  /** Runs before the calls in flight get their time, such as to cancel batches. */
  readonly before: Effect.Effect<void>
}

/** Runs `work`; returns its result, and whether a signal asked it to stop. */
export const run = <A, E, R>(
  work: Effect.Effect<A, E, R>,
  { before, hasBegun }: Reaction
): Effect.Effect<readonly [A, boolean], E, R> =>
  Effect.suspend(() => {
    const drain = Latch.makeUnsafe(false)
    let isStopping = false
    const stop = Effect.gen(function* () {
      const signal = yield* (yield* Signals).first
      if (!hasBegun()) return yield* Effect.interrupt
      isStopping = true
      yield* before
      yield* Console.error(`${signal}: no more rows start; calls in flight have ${grace} to finish, and ${atOnce}`)
      yield* drain.open
      yield* Effect.sleep(grace)
      return yield* Effect.interrupt
    })
    return Effect.map(
      Effect.raceFirst(Effect.provideService(work, Drain, drain), stop),
      (result) => [result, isStopping] as const
    )
  })
