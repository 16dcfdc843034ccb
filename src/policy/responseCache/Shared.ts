/**
 * One run of an effect for all its members. It has its own fiber, and continues until it ends or the last member has left.
 * (Effect's `Cache` and `RcMap` do the same, but look up by key alone and do not report which member began the run.)
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/** A run. Each member that joins must leave. */
export interface Shared<A, E> {
  /** Joins. The first member starts the run, in its context. */
  readonly join: (context: Context.Context<never>) => Fiber.Fiber<A, E>
  /** Leaves. The last member to leave stops the run and waits until its resources are closed. */
  readonly leave: Effect.Effect<void>
}

/** Calls `closed` when the run has ended or all members have left: after that it cannot be joined. */
export const make = <A, E>(run: Effect.Effect<A, E>, closed: () => void): Shared<A, E> => {
  let running: Fiber.Fiber<A, E> | undefined
  let members = 0
  const closing = Effect.onExit(run, () => Effect.sync(closed))
  return {
    join: (context) => {
      members++
      running ??= Effect.runForkWith(context)(closing)
      return running
    },
    leave: Effect.suspend(() => {
      members--
      if (running === undefined || members > 0) return Effect.void
      closed()
      return Fiber.interrupt(running)
    })
  }
}
