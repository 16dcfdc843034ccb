/**
 * Single flight: of several who want the same thing at the same time, one gets it for all. In Effect's `Cache`, who
 * leads cannot be told from who follows; and here, who may not lead can still follow.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import type { ClaudeError } from "../../claude/ClaudeError.ts"
import type { Reply } from "../../claude/Reply.ts"

/** How a flight ended: those who waited share the reply, or the failure. */
export type Landing = Exit.Exit<Reply, ClaudeError>

/** One's place in a flight: at its head, with the duty to `land` it, or among those for whom it has landed. */
export type Place =
  | { readonly leads: true; readonly land: (landing: Landing) => void }
  | { readonly leads: false; readonly landing: Landing }

/** The flights that are under way. */
export interface Flights {
  /**
   * Takes a place in the flight of this key. Whoever leads leads until it has landed, or the scope is closed: then the
   * next of those who wait leads a new one.
   */
  readonly board: (key: string) => Effect.Effect<Place, never, Scope.Scope>
  /** Waits for the flight of this key, if there is one, and never leads: none may wait for a stream that nobody reads. */
  readonly follow: (key: string) => Effect.Effect<Landing | undefined>
}

/** None yet. */
export const make = (): Flights => {
  const flights = new Map<string, Deferred.Deferred<Landing | undefined>>()

  const lead = (key: string) => {
    const flight = Deferred.makeUnsafe<Landing | undefined>()
    flights.set(key, flight)
    const end = (landing: Landing | undefined) => {
      if (flights.get(key) === flight) flights.delete(key)
      Deferred.doneUnsafe(flight, Effect.succeed(landing))
    }
    return Effect.as(
      Effect.addFinalizer(() => Effect.sync(() => end(undefined))),
      { leads: true, land: end } as const
    )
  }
  const follow = (key: string): Effect.Effect<Landing | undefined> =>
    Effect.suspend(() => {
      const flight = flights.get(key)
      if (flight === undefined) return Effect.undefined
      return Effect.filterOrElse(Deferred.await(flight), Predicate.isNotUndefined, () => follow(key))
    })

  return {
    board: (key) =>
      Effect.uninterruptibleMask((restore) => {
        // In one go, so that no two lead.
        const boarding: Effect.Effect<Place, never, Scope.Scope> = Effect.suspend(() =>
          flights.has(key)
            ? Effect.flatMap(restore(follow(key)), (landing) =>
                landing === undefined ? boarding : Effect.succeed({ leads: false, landing } as const)
              )
            : lead(key)
        )
        return boarding
      }),
    follow
  }
}
