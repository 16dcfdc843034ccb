/**
 * A cap on the calls of one job that changes while they run: the share of the job in its worker, and the grant of the worker
 * in the concurrency of the job; the lower one counts. It knows how many calls are in it and how many places the job wants,
 * which `Concurrency` does not. Put it outside of all other policies.
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
  /** The cap: the lower one of the share and the grant. */
  readonly size: () => number
  /** What all workers have granted this one. */
  readonly grant: () => number
  /** The share that the job could have in this worker. */
  readonly room: () => number
  /** The places that the job would have if it wanted more: rows that run now, but call later, may need them. */
  readonly reach: () => number
  /** Calls that are in. They are more than the cap for a while after it was lowered. */
  readonly inUse: () => number
  /** The most calls that were in or waited at the same time, since the measurement before the last one. */
  readonly wants: () => number
  /** Ends a period of `wants`. */
  readonly measure: () => void
  /** Changes the share, the grant, or the most that could be granted. Calls that are in continue. */
  readonly change: (to: { readonly share?: number; readonly grant?: number; readonly grantable?: number }) => void
}

/** What a gate is part of. */
export interface Options {
  readonly share?: number
  readonly grant?: number
  /** Runs when a call has to wait. */
  readonly onWait?: () => void
  /** The share that the job could have; by default there is no limit. */
  readonly room?: () => number
}

/** A gate without a limit, unless it is given. */
export const make = ({
  share = Infinity,
  grant = Infinity,
  onWait = () => {},
  room = () => Infinity
}: Options = {}): Gate => {
  let used = 0
  let peak = 0
  let peakBefore = 0
  let grantable = Infinity
  const waiting = new Set<() => void>()

  const size = () => Math.min(share, grant)
  const count = () => (peak = Math.max(peak, used + waiting.size))
  const letIn = () => {
    for (const waiter of waiting) {
      if (used >= size()) return
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
      if (used < size()) {
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
    size,
    grant: () => grant,
    room,
    reach: () => Math.min(room(), grantable),
    inUse: () => used,
    wants: () => Math.max(peak, peakBefore),
    measure: () => {
      peakBefore = peak
      peak = used + waiting.size
    },
    change: (to) => {
      share = to.share ?? share
      grant = to.grant ?? grant
      grantable = to.grantable ?? grantable
      letIn()
    }
  }
}

/** Lets the calls of a job through its gate. */
export const policy = ({ enter }: Gate) =>
  wrap((next) => Effect.succeed(admitting(next, (request) => Effect.as(enter, { request }))))
