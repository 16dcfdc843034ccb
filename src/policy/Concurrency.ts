/**
 * Limits the calls in flight with one Semaphore for the process; a stream holds its permit until it is closed. Put it
 * nearest to the wire. It is a cap, not a queue: bound the fan-out too (`Batch` does), because a Semaphore with tens of
 * thousands of waiters is slow.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as Event from "../claude/Event.ts"
import { admitting } from "../claude/Admission.ts"
import { wrap } from "../claude/Claude.ts"

/** A cap that can be read and resized while calls run. */
export interface Concurrency {
  /** Calls that may be in flight at once. */
  readonly permits: Effect.Effect<number>
  readonly semaphore: Semaphore.Semaphore
  readonly resize: (permits: number) => Effect.Effect<void>
}

/** A cap of `permits` calls. Several layers can share one cap. */
export const make = (permits: number): Effect.Effect<Concurrency> => Effect.sync(() => makeUnsafe(permits))

/** Resizes the cap. Calls in flight continue; 0 pauses new calls. */
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
 * At most `limit` calls in flight: a number, or a cap of `Concurrency.make` that can be resized. A wait for a permit is
 * reported as a `call-waited` event.
 */
export const policy = (limit: number | Concurrency) => {
  const { permits, semaphore } = typeof limit === "number" ? makeUnsafe(limit) : limit
  return wrap((next) =>
    Effect.succeed({
      ...admitting(next, (request) =>
        Effect.withFiber((fiber) => {
          const since = fiber.getRef(Clock.Clock).monotonicTimeNanosUnsafe()
          return Effect.andThen(
            semaphore.takeScoped(1),
            Effect.as(Event.emitWaited(request.model, "concurrency", since), { request })
          )
        })
      ),
      countTokens: (request) => semaphore.withPermit(next.countTokens(request)),
      capacity: permits
    })
  )
}
