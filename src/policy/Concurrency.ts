/**
 * One Semaphore for the process: at most so many calls in flight, a stream for the whole of its life. Put it nearest
 * to the wire. It is a cap, not a queue: bound the fan-out too (`Batch` does), since a Semaphore with tens of thousands
 * of waiters is slow.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as Event from "../claude/Event.ts"
import { admitting } from "../claude/Admission.ts"
import { wrap } from "../claude/Claude.ts"

/** A cap that can be watched and moved while calls run. */
export interface Concurrency {
  /** Calls that may be in flight at once. */
  readonly permits: Effect.Effect<number>
  readonly semaphore: Semaphore.Semaphore
  readonly resize: (permits: number) => Effect.Effect<void>
}

/** A cap of `permits` calls. One cap given to several layers is one cap for all of them. */
export const make = (permits: number): Effect.Effect<Concurrency> => Effect.sync(() => makeUnsafe(permits))

/** Moves the cap. Calls in flight are let finish; 0 pauses. */
export const resize = (self: Concurrency, permits: number): Effect.Effect<void> => self.resize(permits)

const makeUnsafe = (permits: number): Concurrency => {
  let current = permits
  const semaphore = Semaphore.makeUnsafe(permits)
  const resize = (permits: number) =>
    Effect.suspend(() => {
      current = permits
      return semaphore.resize(permits)
    })
  return { permits: Effect.sync(() => current), semaphore, resize }
}

/**
 * At most `limit` calls in flight: a number, or a cap of `Concurrency.make` to be moved later. A wait for one's turn is
 * told as a `call-waited` event.
 */
export const policy = (limit: number | Concurrency) => {
  const { permits, semaphore } = typeof limit === "number" ? makeUnsafe(limit) : limit
  return wrap((next) =>
    Effect.succeed({
      ...admitting(next, (request) =>
        Effect.withFiber((fiber) => {
          const since = fiber.getRef(Clock.Clock).currentTimeNanosUnsafe()
          const admission = { request, settle: () => Effect.void }
          return Effect.andThen(
            semaphore.takeScoped(1),
            Effect.as(Event.emitWaited(request.model, "concurrency", since), admission)
          )
        })
      ),
      countTokens: (request) => semaphore.withPermit(next.countTokens(request)),
      capacity: permits
    })
  )
}
