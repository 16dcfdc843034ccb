import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Dispatcher from "../../src/pipeline/Dispatcher.ts"
import type { Chunk } from "../../src/pipeline/Journal.ts"
import * as Refill from "../../src/pipeline/Refill.ts"

describe("the chunks of a queue", () => {
  it.effect("are sent page by page, until the queue has all", () =>
    Effect.gen(function* () {
      const { queue, sending } = jobOf(5)
      yield* Effect.provideServiceEffect(Refill.send(sending), Dispatcher.Dispatcher, Dispatcher.make(queue))
      assert.deepStrictEqual(queue.sent, [[0, 100], [200, 300], [400]])
    }).pipe(Effect.scoped)
  )

  it.effect("are not recorded as sent where the queue cannot be reached", () =>
    Effect.gen(function* () {
      const { queue, sending } = jobOf(2)
      const down = { ...queue, send: () => Effect.fail(new Dispatcher.DispatcherFailed({ detail: "no answer" })) }
      const send = Effect.provideServiceEffect(Refill.send(sending), Dispatcher.Dispatcher, Dispatcher.make(down))
      assert.instanceOf(yield* Effect.flip(send), Dispatcher.DispatcherFailed)
      assert.lengthOf(yield* sending.unsent, 2)
    }).pipe(Effect.scoped)
  )

  it.effect("are sent again after a loss, once no process can still work on them", () =>
    Effect.gen(function* () {
      const { queue, sending } = jobOf(3)
      const dispatcher = yield* Dispatcher.make(queue)
      const provide = Effect.provideService(Dispatcher.Dispatcher, dispatcher)
      yield* provide(Refill.send(sending))
      queue.hasLost = true
      queue.sent = []
      const repairing = yield* Effect.forkChild(provide(Refill.repair(sending)))
      yield* TestClock.adjust(queue.lease - 1)
      assert.deepStrictEqual(queue.sent, [])
      yield* TestClock.adjust(1)
      yield* Fiber.join(repairing)
      assert.deepStrictEqual(queue.sent, [[0, 100], [200]])
      assert.isFalse(queue.hasLost)
    }).pipe(Effect.scoped)
  )

  it.effect("are sent at once to a queue that never had any", () =>
    Effect.gen(function* () {
      const { queue, sending } = jobOf(1)
      queue.hasLost = true
      yield* Effect.provideServiceEffect(Refill.repair(sending), Dispatcher.Dispatcher, Dispatcher.make(queue))
      assert.deepStrictEqual(queue.sent, [[0]])
    }).pipe(Effect.scoped)
  )
})

// Builders

/** A job with chunks that were not sent, in pages of two, and its queue. */
const jobOf = (size: number) => {
  const all = Array.from({ length: size }, (_, index) => ({ first: 100 * index, generation: 1 }))
  let unsent: ReadonlyArray<Chunk> = all
  const sending = {
    unsent: Effect.sync(() => unsent.slice(0, 2)),
    markSent: (chunks: ReadonlyArray<Chunk>) =>
      Effect.sync(() => {
        unsent = unsent.filter((chunk) => !chunks.includes(chunk))
        return []
      }),
    hasSent: Effect.sync(() => unsent.length < size),
    forgetSent: Effect.sync(() => {
      unsent = all
      return []
    })
  }
  const queue = {
    hasLost: false,
    sent: new Array<ReadonlyArray<number>>(),
    lease: 4000,
    send: (chunks: ReadonlyArray<Chunk>) => Effect.sync(() => void queue.sent.push(chunks.map(({ first }) => first))),
    fetch: () => Effect.succeed([]),
    touch: () => Effect.succeed([]),
    complete: () => Effect.void,
    giveBack: () => Effect.void,
    repair: <E, R>(sendAll: Effect.Effect<void, E, R>) =>
      Effect.suspend(() =>
        queue.hasLost
          ? Effect.andThen(
              sendAll,
              Effect.sync(() => void (queue.hasLost = false))
            )
          : Effect.void
      )
  }
  return { queue, sending }
}
