/**
 * Commits writes in groups. A writer takes everything that waits and commits it at once, so a commit costs little for each
 * write, and a slow database makes the groups larger. A caller resumes after the commit of its own write.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"

interface Waiting<W, E> {
  readonly write: W
  readonly resume: (effect: Effect.Effect<void, E>) => void
}

/**
 * Starts a writer that lives as long as the scope. Closing the scope commits what still waits; a later write dies, since the
 * lock of the job may be gone. If a commit fails, every write of its group fails, and the next group is tried again. A write
 * is committed even if its caller is interrupted. After a commit, the writer waits for `pause`.
 */
export const make = <W, E>(
  commit: (writes: Arr.NonEmptyReadonlyArray<W>) => Effect.Effect<void, E>,
  pause: Effect.Effect<void> = Effect.void
): Effect.Effect<(write: W) => Effect.Effect<void, E>, never, Scope.Scope> =>
  Effect.gen(function* () {
    let waiting: Array<Waiting<W, E>> = []
    const latch = Latch.makeUnsafe()
    const flush = Effect.suspend(() => {
      const group = waiting
      waiting = []
      latch.closeUnsafe()
      if (!Arr.isArrayNonEmpty(group)) return Effect.void
      return Effect.map(Effect.exit(commit(Arr.map(group, ({ write }) => write))), (exit) => {
        const result = Exit.isSuccess(exit) ? Effect.void : exit
        for (const { resume } of group) resume(result)
      })
    }).pipe(Effect.uninterruptible)
    let isClosed = false
    yield* Effect.addFinalizer(() => {
      isClosed = true
      return flush
    })
    // The yield lets every fiber that is ready to run add its write to the group.
    yield* latch.await.pipe(
      Effect.andThen(Effect.yieldNow),
      Effect.andThen(flush),
      Effect.andThen(pause),
      Effect.forever,
      Effect.forkScoped
    )
    return (write) =>
      Effect.callback((resume) => {
        if (isClosed) return resume(Effect.die("a write came after the end of the run"))
        waiting.push({ write, resume })
        latch.openUnsafe()
      })
  })
