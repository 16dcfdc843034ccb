/**
 * Follows the two requests of one call by their events: when the first was sent, and whether one has an answer.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Event from "../../claude/Event.ts"

/** What follows from the events of a call. */
export interface Requests {
  /** Runs the call as the first request. */
  readonly first: <A, E, R>(call: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Runs the call as the second request. */
  readonly second: <A, E, R>(call: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Ends when the first request has been in flight for more than `limit` milliseconds. It is not between two attempts. */
  readonly late: (limit: number) => Effect.Effect<void>
  /** Whether the second request was sent. */
  readonly isSentTwice: () => boolean
}

/**
 * `now` is a monotonic time in milliseconds. `onLatency` receives the time to the answer of the first request, or the
 * time that it has taken so far.
 */
export const make = (model: string, now: () => number, onLatency: (millis: number) => void): Requests => {
  const inFlight = Latch.makeUnsafe()
  let since: number | undefined
  let isAnswered = false
  let isSentTwice = false

  const begin = () => {
    since = now()
    inFlight.openUnsafe()
  }
  const end = () => {
    since = undefined
    inFlight.closeUnsafe()
  }
  /** The first request has an answer, or lost against the second: it would have taken this much at least. */
  const learn = () => {
    if (since !== undefined) onLatency(now() - since)
    end()
  }

  const late = (limit: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (since === undefined) return Effect.andThen(inFlight.await, late(limit))
      const left = since + limit - now()
      return left < 0 ? Effect.void : Effect.andThen(Effect.sleep(Duration.millis(left + 1)), late(limit))
    })

  const hearFirst = (event: Event.Event) => {
    switch (event._tag) {
      case "call-sent":
        return begin()
      case "call-first-token":
      case "call-finished":
        isAnswered = true
        return learn()
      case "call-interrupted":
        return isAnswered ? learn() : end()
      case "call-failed":
        return end()
    }
  }
  const hearSecond = (event: Event.Event) => {
    if (event._tag === "call-first-token" || event._tag === "call-finished") isAnswered = true
  }

  /** What comes before an event of the second request. */
  const announced = (outer: Event.Listener, event: Event.Event): Effect.Effect<void> => {
    if (event._tag !== "call-sent" || isSentTwice) return Effect.void
    isSentTwice = true
    const after = Duration.millis(since === undefined ? 0 : now() - since)
    return outer({ _tag: "call-hedged", model, after, site: event.site })
  }
  const unlessAnswered = (outer: Event.Listener, hear: (event: Event.Event) => void): Event.Listener => {
    let dropped: number | undefined
    return (event) => {
      // An answer may come while the other request waits for a permit. It is not sent then.
      if (event._tag === "call-sent" && isAnswered) {
        dropped = event.attempt
        return Effect.interrupt
      }
      if ("attempt" in event && event.attempt === dropped) return Effect.void
      hear(event)
      return outer(event)
    }
  }
  return {
    first: listening((outer) => unlessAnswered(outer, hearFirst)),
    second: listening((outer) =>
      unlessAnswered((event) => Effect.andThen(announced(outer, event), outer(event)), hearSecond)
    ),
    late,
    isSentTwice: () => isSentTwice
  }
}

const silent: Event.Listener = () => Effect.void

const listening =
  (change: (outer: Event.Listener) => Event.Listener) =>
  <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.updateContext(call, (context: Context.Context<R>) =>
      Context.add(context, Event.Listener, change(Context.get(context, Event.Listener) ?? silent))
    )
