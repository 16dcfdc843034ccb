/**
 * Single flight: identical concurrent calls share one request, whole answers and streams alike. The request continues
 * while any of its callers stays, also after the caller that began it has left.
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Event from "../../claude/Event.ts"
import type { ClaudeError } from "../../claude/ClaudeError.ts"
import * as Replay from "../../claude/Replay.ts"
import type { Reply } from "../../claude/Reply.ts"
import type { StreamEvent } from "../../claude/StreamEvent.ts"
import * as Broadcast from "./Broadcast.ts"
import * as Hit from "./Hit.ts"
import * as Shared from "./Shared.ts"

type Answer = Effect.Effect<Reply, ClaudeError>
type Events = Stream.Stream<StreamEvent, ClaudeError>

/** A call. Calls with the same key share a flight. */
export interface Wanted {
  readonly key: string
  readonly model: string
}

/** The requests in flight. */
export interface Flights {
  /** The reply of the flight, as a hit. Without a flight, runs `lead` as the flight of all who join. */
  readonly create: (wanted: Wanted, lead: Answer) => Answer
  /** The events of the flight, from the first one on. Without a flight, runs `lead` as the flight of all who join. */
  readonly stream: (wanted: Wanted, lead: Events) => Events
}

/** Began as a whole answer or as a stream; callers of either kind join both. */
type Flight = Shared.Shared<Reply, ClaudeError> | Broadcast.Broadcast<StreamEvent, ClaudeError>

/** No flights yet. */
export const make = (): Flights => {
  const flights = new Map<string, Flight>()

  /** A flight is listed as long as it can be joined. */
  const start = <F extends Flight>({ key }: Wanted, make: (closed: () => void) => F): F => {
    const flight = make(() => {
      if (flights.get(key) === flight) flights.delete(key)
    })
    flights.set(key, flight)
    return flight
  }

  // Both look up and join in one step, so that only one call leads. An interruption can come only after the join.
  const create: Flights["create"] = (wanted, lead) =>
    Effect.uninterruptibleMask((restore) => {
      const board: Answer = Effect.withFiber(({ context }) => {
        const flight = flights.get(wanted.key)
        if (flight === undefined) {
          const own = start(wanted, (closed) => Shared.make(lead, closed))
          return landing(own, context, restore)
        }
        const landed: Effect.Effect<Reply | undefined, ClaudeError> =
          "leave" in flight
            ? landing(flight, context, restore)
            : Effect.scoped(Effect.flatMap(flight.join(context), (events) => restore(Replay.toReply(events))))
        return Effect.flatMap(waiting(wanted, landed), (reply) => (reply === undefined ? board : Hit.hit(reply)))
      })
      return board
    })

  const stream: Flights["stream"] = (wanted, lead) =>
    Stream.unwrap(
      Effect.uninterruptibleMask((restore) =>
        Effect.withFiber(({ context }): Effect.Effect<Events, ClaudeError, Scope.Scope> => {
          const flight = flights.get(wanted.key)
          if (flight === undefined) {
            const own = start(wanted, (closed) => Broadcast.make(lead, closed))
            return own.join(context)
          }
          if (!("leave" in flight)) return Effect.map(flight.join(context), Hit.hits)
          const landed = waiting(wanted, landing(flight, context, restore))
          return Effect.map(Effect.flatMap(landed, Hit.hit), Replay.toStream)
        })
      )
    )

  return { create, stream }
}

/** Joins a flight, and leaves it when it has landed or the caller is interrupted. */
const landing = (
  flight: Shared.Shared<Reply, ClaudeError>,
  context: Context.Context<never>,
  restore: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
): Answer => Effect.ensuring(restore(Fiber.join(flight.join(context))), flight.leave)

/** Reports how long the call waited for the answer of another. */
const waiting = <A, E>({ model }: Wanted, landed: Effect.Effect<A, E>) =>
  Effect.flatMap(Clock.currentTimeNanos, (since) =>
    Effect.tap(landed, () => Event.emitWaited(model, "equal-call", since))
  )
