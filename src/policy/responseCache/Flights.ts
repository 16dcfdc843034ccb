/**
 * Single flight: of several who want the same thing at the same time, one asks for all, and it is all the same whether
 * they want it whole or as a stream.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ClaudeError } from "../../claude/ClaudeError.ts"
import type { Reply } from "../../claude/Reply.ts"
import type { StreamEvent } from "../../claude/StreamEvent.ts"
import * as Broadcast from "./Broadcast.ts"
import * as Replay from "./Replay.ts"

type Answer = Effect.Effect<Reply, ClaudeError>
type Events = Stream.Stream<StreamEvent, ClaudeError>

/** The flights that are under way. */
export interface Flights {
  /**
   * The reply of the flight of this key, as one that was not asked for; where there is none, `lead` asks. Those who wait
   * share its failure too, but when it is interrupted, the next of them leads. It is interruptible where it restores.
   */
  readonly create: (key: string, lead: (restore: Restore) => Answer) => Answer
  /** The events of the flight of this key, from their beginning; where there is none, those of `lead`, run for all. */
  readonly stream: (key: string, lead: Events) => Events
}

/** Makes interruptible again. */
export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Led by one who wants it whole, and may go away: then the landing is undefined. */
interface Landing {
  readonly landing: Deferred.Deferred<Reply | undefined, ClaudeError>
}

/** Or a stream, which goes on for those who stay. */
type Flight = Landing | Broadcast.Broadcast<StreamEvent, ClaudeError>

/** None yet. */
export const make = (): Flights => {
  const flights = new Map<string, Flight>()

  const start = <F extends Flight>(key: string, flight: F): F => {
    flights.set(key, flight)
    return flight
  }
  const end = (key: string, flight: Flight) => {
    if (flights.get(key) === flight) flights.delete(key)
  }

  const lead = (key: string, answer: Answer) => {
    const flight = start(key, { landing: Deferred.makeUnsafe<Reply | undefined, ClaudeError>() })
    return Effect.onExit(answer, (exit) => {
      end(key, flight)
      const isShared = Exit.isSuccess(exit) || !Cause.hasInterrupts(exit.cause)
      return Deferred.done(flight.landing, isShared ? exit : Exit.succeed(undefined))
    })
  }

  const create: Flights["create"] = (key, answer) =>
    Effect.uninterruptibleMask((restore) => {
      // Looked up and boarded in one go, so that no two lead.
      const board: Answer = Effect.withFiber(({ context }) => {
        const flight = flights.get(key)
        if (flight === undefined) return lead(key, answer(restore))
        const landed =
          "join" in flight
            ? Effect.scoped(Effect.flatMap(flight.join(context), (events) => restore(Replay.collect(events))))
            : restore(Deferred.await(flight.landing))
        return Effect.flatMap(landed, (reply) => (reply === undefined ? board : Replay.hit(reply)))
      })
      return board
    })

  const stream: Flights["stream"] = (key, events) =>
    Stream.unwrap(
      Effect.uninterruptibleMask((restore) => {
        const board: Effect.Effect<Events, ClaudeError, Scope.Scope> = Effect.withFiber(({ context }) => {
          const flight = flights.get(key)
          if (flight === undefined) {
            const own: Flight = start(
              key,
              Broadcast.make(events, () => end(key, own))
            )
            return own.join(context)
          }
          if ("join" in flight) return Effect.map(flight.join(context), Replay.hits)
          return Effect.flatMap(restore(Deferred.await(flight.landing)), (reply) =>
            reply === undefined ? board : Effect.map(Replay.hit(reply), Replay.events)
          )
        })
        return board
      })
    )

  return { create, stream }
}
