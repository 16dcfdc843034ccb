/**
 * One run of an effect for all who need it. It has a fiber of its own, and so goes on, whoever began it, until it is
 * through or the last of them has left. (Effect's `Cache` and `RcMap` do as much, but look up by
 * the key alone, and do not tell who began it.)
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/** A run for all who join; whoever does must leave. */
export interface Shared<A, E> {
  /** Takes part, at once. Who comes first starts it, in this context. */
  readonly join: (context: Context.Context<never>) => Fiber.Fiber<A, E>
  /** Takes part no longer. Whoever leaves last stops it, and waits until what it holds is closed. */
  readonly leave: Effect.Effect<void>
}

/** It is `closed` when it is through and when all have left: then it is not to be joined. */
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
