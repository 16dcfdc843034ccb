/**
 * Asks the runs of jobs to stop early and to lose nothing: they take no more rows and send no more calls, and end as soon
 * as the calls in flight are stored. The next run continues. A program provides it to react to a signal.
 */
import * as Context from "effect/Context"
import type * as Latch from "effect/Latch"

/** A latch whose opening makes the runs below it stop. Without one, nothing does. */
export const Drain: Context.Reference<Latch.Latch | undefined> = Context.Reference("effect-claude/Drain", {
  defaultValue: (): Latch.Latch | undefined => undefined
})
