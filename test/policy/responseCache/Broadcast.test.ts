import { assert, describe, it } from "@effect/vitest"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Broadcast from "../../../src/policy/responseCache/Broadcast.ts"

describe("a broadcast", () => {
  it.effect("replays all elements to a late reader, at the reader's pace", () =>
    Effect.gen(function* () {
      const { read } = broadcast(ticks)
      const first = yield* Effect.forkChild(Stream.runCollect(read))
      yield* TestClock.adjust("2500 millis")
      const late = yield* Effect.forkChild(Stream.runCollect(Stream.tap(read, () => Effect.sleep("1 minute"))))
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual(yield* Fiber.join(first), [1, 2, 3])
      yield* TestClock.adjust("3 minutes")
      assert.deepStrictEqual(yield* Fiber.join(late), [1, 2, 3])
    })
  )

  it.effect("stops and closes when its last reader leaves, and that reader waits for the stop", () =>
    Effect.gen(function* () {
      const stopping = yield* Deferred.make<void>()
      const { closed, read } = broadcast(Stream.ensuring(ticks, Deferred.await(stopping)))
      const readers = yield* Effect.all([
        Effect.forkChild(Stream.runDrain(read)),
        Effect.forkChild(Stream.runDrain(read))
      ])
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(readers[0])
      assert.strictEqual(closed(), 0)
      const leaving = yield* Effect.forkChild(Fiber.interrupt(readers[1]))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(closed(), 1)
      assert.isUndefined(leaving.pollUnsafe())
      yield* Deferred.succeed(stopping, undefined)
      yield* Fiber.join(leaving)
    })
  )

  it.effect("passes the earlier elements, and then the failure, to all readers", () =>
    Effect.gen(function* () {
      const { read } = broadcast(Stream.concat(Stream.make(1, 2), Stream.fail("broken")))
      const seen: Array<number> = []
      const reading = Effect.flip(Stream.runForEach(read, (element) => Effect.sync(() => seen.push(element))))
      assert.deepStrictEqual(yield* Effect.all([reading, reading], { concurrency: 2 }), ["broken", "broken"])
      assert.deepStrictEqual(seen.toSorted(), [1, 1, 2, 2])
    })
  )
})

// Builders

const ticks = Stream.tap(Stream.make(1, 2, 3).pipe(Stream.rechunk(1)), () => Effect.sleep("1 second"))

const broadcast = <E>(source: Stream.Stream<number, E>) => {
  let closed = 0
  const all = Broadcast.make(source, () => closed++)
  const join = Effect.contextWith((context: Context.Context<never>) => all.join(context))
  return { read: Stream.unwrap(Effect.uninterruptible(join)), closed: () => closed }
}
