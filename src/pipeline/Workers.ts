/**
 * A fixed number of workers for the elements of a stream. The work on an element has a fiber of its own: what it forks
 * ends with it, and interrupting it affects no other element. (`Stream.mapEffect` would end with the first interruption.)
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Pull from "effect/Pull"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"

/** How to work through the elements. */
export interface Options<A, R> {
  readonly workers: number
  /** Asked before each element. The first `false` ends the work. */
  readonly takes: () => boolean
  readonly work: (element: A) => Effect.Effect<void, never, R>
}

/**
 * Ends when every worker has ended, and then fails if the stream did. An interruption interrupts all workers, and waits
 * for their ends.
 */
export const run = Effect.fnUntraced(function* <A, E, R, R2>(
  elements: Stream.Stream<A, E, R>,
  { takes, work, workers }: Options<A, R2>
) {
  const pull = yield* Stream.toPull(elements)
  const one = Semaphore.makeUnsafe(1)
  let page: ReadonlyArray<A> = []
  let index = 0
  let ended = false
  let failure: Cause.Cause<E> | undefined

  const end = (cause?: Cause.Cause<E>) => {
    ended = true
    failure = cause
  }
  const read = pull.pipe(
    Effect.map((more) => {
      page = more
      index = 0
    }),
    Pull.catchDone(() => Effect.sync(end)),
    Effect.catchCause((cause) => Effect.sync(() => end(cause)))
  )
  const isEmpty = () => index === page.length && !ended
  const readOnce = one.withPermit(Effect.suspend(() => (isEmpty() ? read : Effect.void)))

  const worker = Effect.gen(function* () {
    while (true) {
      while (isEmpty()) yield* readOnce
      const element = page[index]
      if (element === undefined || !takes()) return
      index += 1
      yield* Effect.flatMap(Effect.forkChild(work(element), { startImmediately: true }), Fiber.await)
    }
  })
  yield* Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.all(Array.from({ length: workers }, () => Effect.forkChild(worker))), (fibers) =>
      Effect.onInterrupt(restore(Fiber.awaitAll(fibers)), () => Fiber.interruptAll(fibers))
    )
  )
  if (failure !== undefined) return yield* Effect.failCause(failure)
}, Effect.scoped)
