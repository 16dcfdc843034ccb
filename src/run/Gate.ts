/**
 * A cap on the calls of one job that changes while they run. It knows how many calls are in it and how many places the job
 * wants, which `Concurrency` does not. Put it outside of all other policies.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { admitting } from "../claude/Admission.ts"
import { wrap } from "../claude/Claude.ts"

/** A cap, and its use. */
export interface Gate {
  /** Waits for a place, in order of arrival, and has it until the scope closes. */
  readonly enter: Effect.Effect<void, never, Scope.Scope>
  /** The cap. */
  readonly size: () => number
  /** Calls that are in. They are more than the cap for a while after it was lowered. */
  readonly inUse: () => number
  /** The most calls that were in or waited at the same time, since the measurement before the last one. */
  readonly wants: () => number
  /** Ends a period of `wants`. */
  readonly measure: () => void
  /** Changes the cap. Calls that are in continue. */
  readonly resize: (size: number) => void
}

/** A gate of this size. `onWait` runs when a call has to wait. */
export const make = (size: number, onWait: () => void = () => {}): Gate => {
  let used = 0
  let peak = 0
  let peakBefore = 0
  const waiting = new Set<() => void>()

  const count = () => (peak = Math.max(peak, used + waiting.size))
  const letIn = () => {
    for (const waiter of waiting) {
      if (used >= size) return
      waiting.delete(waiter)
      used += 1
      waiter()
    }
  }
  const leave = Effect.sync(() => {
    used -= 1
    letIn()
  })
  const enter = Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      if (used < size) {
        used += 1
        count()
        return Effect.addFinalizer(() => leave)
      }
      let isIn = false
      const turn = Effect.callback<void>((resume) => {
        const waiter = () => {
          isIn = true
          resume(Effect.void)
        }
        waiting.add(waiter)
        count()
        onWait()
        return Effect.sync(() => waiting.delete(waiter))
      })
      // An interruption may come after the call was let in.
      return Effect.onExit(restore(turn), (exit) => {
        if (Exit.isSuccess(exit)) return Effect.addFinalizer(() => leave)
        return isIn ? leave : Effect.void
      })
    })
  )
  return {
    enter,
    size: () => size,
    inUse: () => used,
    wants: () => Math.max(peak, peakBefore),
    measure: () => {
      peakBefore = peak
      peak = used + waiting.size
    },
    resize: (to) => {
      size = to
      letIn()
    }
  }
}

/** Lets the calls of a job through its gate. */
export const policy = ({ enter }: Gate) =>
  wrap((next) => Effect.succeed(admitting(next, (request) => Effect.as(enter, { request }))))
