/**
 * Workers for the elements of a stream. Their number can change, and they can pause. Each element has its own fiber: what
 * the work forks ends with it, and interrupting it affects no other element. (`Stream.mapEffect` would end with the first
 * interruption.)
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Pull from "effect/Pull"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"

/** The number of workers, and whether they take no more elements at the moment. */
export interface Crew {
  size: number
  isPaused: boolean
  readonly listeners: Set<() => void>
}

/** A crew that is not paused. */
export const crew = (size: number): Crew => ({ size, isPaused: false, listeners: new Set() })

/** Changes a crew. Work in progress continues: a smaller crew takes no element until enough of them have ended. */
export const change = (self: Crew, to: Partial<Pick<Crew, "size" | "isPaused">>): Effect.Effect<void> =>
  Effect.sync(() => {
    Object.assign(self, to)
    notify(self)
  })

const notify = ({ listeners }: Crew) => {
  for (const listener of listeners) listener()
}

/** Waits until the crew has changed so that `isReached`. */
const until = ({ listeners }: Crew, isReached: () => boolean) =>
  Effect.callback<void>((resume) => {
    const listener = () => {
      if (isReached() && listeners.delete(listener)) resume(Effect.void)
    }
    listeners.add(listener)
    listener()
    return Effect.sync(() => listeners.delete(listener))
  })

/** How to work through the elements. */
export interface Options<A, R> {
  readonly crew: Crew
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
  { crew, takes, work }: Options<A, R2>
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

  /** Workers that have not left because the crew became smaller. */
  let hired = 0
  const isPaused = () => crew.isPaused
  const worker = Effect.gen(function* () {
    while (true) {
      if (hired > crew.size) {
        hired -= 1
        return
      }
      if (isEmpty()) {
        yield* readOnce
        continue
      }
      const element = page[index]
      if (element === undefined) return
      if (isPaused()) {
        yield* until(crew, () => !isPaused())
        continue
      }
      if (!takes()) return
      index += 1
      yield* Effect.flatMap(Effect.forkChild(work(element), { startImmediately: true }), Fiber.await)
    }
  })
  const fibers = new Set<Fiber.Fiber<void, unknown>>()
  const lacksWorkers = () => !ended && hired < crew.size
  const hire = Effect.gen(function* () {
    hired += 1
    const fiber = yield* Effect.forkChild(worker)
    fibers.add(fiber)
    fiber.addObserver(() => {
      fibers.delete(fiber)
      if (fibers.size === 0) notify(crew)
    })
  })
  yield* Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      do {
        while (lacksWorkers()) yield* hire
        yield* restore(until(crew, () => fibers.size === 0 || lacksWorkers()))
      } while (fibers.size > 0 || lacksWorkers())
    }).pipe(Effect.onInterrupt(() => Fiber.interruptAll(fibers)))
  )
  if (failure !== undefined) return yield* Effect.failCause(failure)
}, Effect.scoped)
