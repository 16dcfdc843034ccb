/**
 * One run of an effect that several members share. It has its own fiber, and continues until it ends or the last member
 * leaves. (Effect's `Cache` and `RcMap` share runs too, but do not report which member started the run.)
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/** A shared run. Each member that joins must leave. */
export interface Shared<A, E> {
  /** Joins the run. The first member starts it, in its own context. */
  readonly join: (context: Context.Context<never>) => Fiber.Fiber<A, E>
  /** Leaves the run. The last member interrupts it and waits until its resources are released. */
  readonly leave: Effect.Effect<void>
}

/** Calls `closed` when the run has ended or all members have left. No member may join after that. */
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
