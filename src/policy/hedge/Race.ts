/**
 * Runs an effect and, if it is late, a second one beside it. The first success wins; the other is interrupted, and its
 * resources are released, before the race ends. A failure counts only once nothing else runs.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"

/** Starts `second` when `late` has ended. The resources of the winner stay open until the scope closes. */
export const race = <A, E, R>(
  first: Effect.Effect<A, E, R>,
  late: Effect.Effect<void>,
  second: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R | Scope.Scope> =>
  Effect.suspend(() => {
    let running = 1
    let isWon = false
    let failure: Cause.Cause<E> | undefined

    // Both may succeed at the same time. One waits then for its interruption.
    const win = (answer: A): Effect.Effect<A> => {
      if (isWon) return Effect.never
      isWon = true
      return Effect.succeed(answer)
    }
    const lose = (cause: Cause.Cause<E>): Effect.Effect<never, E> => {
      running -= 1
      failure ??= cause
      return running > 0 ? Effect.never : Effect.failCause(failure)
    }
    const contender = Effect.fnUntraced(function* (effect: Effect.Effect<A, E, R>) {
      const scope = yield* Effect.flatMap(Effect.scope, Scope.fork)
      const settled = Effect.flatMap(Effect.provideService(effect, Scope.Scope, scope), win)
      const released = Effect.onError(settled, (cause) => Scope.close(scope, Exit.failCause(cause)))
      return yield* Effect.catchCause(released, lose)
    })
    const whenLate = Effect.suspend(() => {
      running += 1
      return contender(second)
    })
    return Effect.raceFirst(contender(first), Effect.andThen(late, whenLate))
  })
