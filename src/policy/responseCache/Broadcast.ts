/**
 * One stream for many readers. Each reader gets all of it from the beginning, at its own pace, without waiting for
 * other readers. Chunks stay in memory until the stream is closed. (Effect's `Stream.share` keeps its scope open after
 * its end.)
 */
import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Shared from "./Shared.ts"

/** A stream that readers can join. */
export interface Broadcast<A, E> {
  /**
   * Joins as a reader and returns the stream to read. The reader leaves when the scope closes. Run this effect
   * uninterruptibly. The first reader starts the source, in its own context.
   */
  readonly join: (context: Context.Context<never>) => Effect.Effect<Stream.Stream<A, E>, never, Scope.Scope>
}

/** Calls `closed` when the source has ended or all readers have left. No reader may join after that. */
export const make = <A, E>(source: Stream.Stream<A, E>, closed: () => void): Broadcast<A, E> => {
  const chunks: Array<Arr.NonEmptyReadonlyArray<A>> = []
  let changed = Deferred.makeUnsafe<void>()
  let ended: Exit.Exit<void, E> | undefined

  const notifyReaders = () => {
    Deferred.doneUnsafe(changed, Effect.void)
    changed = Deferred.makeUnsafe()
  }
  const run = Stream.runForEachArray(source, (chunk) =>
    Effect.sync(() => {
      chunks.push(chunk)
      notifyReaders()
    })
  ).pipe(
    Effect.onExit((exit) =>
      Effect.sync(() => {
        ended = exit
        notifyReaders()
      })
    )
  )
  const shared = Shared.make(run, closed)

  const read = Effect.sync(() => {
    let place = 0
    const pull: Pull.Pull<Arr.NonEmptyReadonlyArray<A>, E> = Effect.suspend(() => {
      const chunk = chunks[place]
      if (chunk !== undefined) {
        place++
        return Effect.succeed(chunk)
      }
      if (ended === undefined) return Effect.flatMap(Deferred.await(changed), () => pull)
      return Exit.isSuccess(ended) ? Cause.done() : Effect.failCause(ended.cause)
    })
    return pull
  })

  return {
    join: (context) => {
      shared.join(context)
      return Effect.as(
        Effect.addFinalizer(() => shared.leave),
        Stream.fromPull(read)
      )
    }
  }
}
