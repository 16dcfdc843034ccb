/**
 * Single flight: of several who want the same thing at the same time, one asks for all, and it is all the same whether
 * they want it whole or as a stream. A flight goes on for those who stay, whoever began it.
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

/** What is wanted: those who have the same key share a flight. */
export interface Wanted {
  readonly key: string
  readonly model: string
}

/** The flights that are under way. */
export interface Flights {
  /** The reply of the flight, as one that was not asked for; where there is none, that of `lead`, run for all. */
  readonly create: (wanted: Wanted, lead: Answer) => Answer
  /** The events of the flight, from their beginning; where there is none, those of `lead`, run for all. */
  readonly stream: (wanted: Wanted, lead: Events) => Events
}

/** Somebody wants it whole, or somebody wants its events: the others take what they need from either. */
type Flight = Shared.Shared<Reply, ClaudeError> | Broadcast.Broadcast<StreamEvent, ClaudeError>

/** None yet. */
export const make = (): Flights => {
  const flights = new Map<string, Flight>()

  /** A flight is on the list for as long as it can be joined. */
  const start = <F extends Flight>({ key }: Wanted, make: (closed: () => void) => F): F => {
    const flight = make(() => {
      if (flights.get(key) === flight) flights.delete(key)
    })
    flights.set(key, flight)
    return flight
  }

  // Both look up and join in one go, so that no two lead, and can be interrupted only where there is something to leave.
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

/** Joins a flight, at once, and leaves it when it has landed, or when one goes away. */
const landing = (
  flight: Shared.Shared<Reply, ClaudeError>,
  context: Context.Context<never>,
  restore: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
): Answer => Effect.ensuring(restore(Fiber.join(flight.join(context))), flight.leave)

/** Tells how long one has waited for another's answer. */
const waiting = <A, E>({ model }: Wanted, landed: Effect.Effect<A, E>) =>
  Effect.flatMap(Clock.currentTimeNanos, (since) =>
    Effect.tap(landed, () => Event.emitWaited(model, "equal-call", since))
  )
