/**
 * One Semaphore for the process: at most so many calls in flight, a stream for the whole of its life. Put it nearest
 * to the wire. It is a cap, not a queue: bound the fan-out too (`Batch` does), since a Semaphore with tens of thousands
 * of waiters is slow.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as Event from "../claude/Event.ts"
import { wrap } from "../claude/Claude.ts"
import type { Request } from "../claude/Request.ts"

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
      create: (request) =>
        Effect.flatMap(Clock.currentTimeNanos, (since) =>
          semaphore.withPermit(Effect.andThen(tellWait(request, since), next.create(request)))
        ),
      stream: (request) =>
        Stream.unwrap(
          Effect.gen(function* () {
            const since = yield* Clock.currentTimeNanos
            yield* semaphore.takeScoped(1)
            yield* tellWait(request, since)
            return next.stream(request)
          })
        ),
      countTokens: (request) => semaphore.withPermit(next.countTokens(request)),
      capacity: permits
    })
  )
}

const tellWait = ({ model }: Request, since: bigint) => Event.emitWaited(model, "concurrency", since)
