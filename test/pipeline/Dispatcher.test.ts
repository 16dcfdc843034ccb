import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Event from "../../src/claude/Event.ts"
import * as Dispatcher from "../../src/pipeline/Dispatcher.ts"

describe("a chunk that a process holds", () => {
  it.effect("stays held while the queue renews it", () =>
    Effect.gen(function* () {
      const { dispatcher } = yield* one
      const [lease] = yield* dispatcher.take(1)
      yield* TestClock.adjust("60 seconds")
      assert.isTrue(lease?.isHeld())
    }).pipe(Effect.scoped)
  )

  it.effect("is lost once its time is over, where the queue cannot be reached", () =>
    Effect.gen(function* () {
      const { dispatcher, lost, queue } = yield* one
      const [lease] = yield* dispatcher.take(1)
      queue.isUp = false
      yield* TestClock.adjust("8999 millis")
      assert.isTrue(lease?.isHeld())
      assert.deepStrictEqual(lost, [])
      yield* TestClock.adjust("501 millis")
      assert.isFalse(lease?.isHeld())
      assert.deepStrictEqual(lost, [0])
    }).pipe(Effect.scoped)
  )

  it.effect("is lost once its time is over, while a renewal hangs", () =>
    Effect.gen(function* () {
      const { dispatcher, lost, queue } = yield* one
      const [lease] = yield* dispatcher.take(1)
      queue.delay = 60_000
      yield* TestClock.adjust("9500 millis")
      assert.isFalse(lease?.isHeld())
      assert.deepStrictEqual(lost, [0])
    }).pipe(Effect.scoped)
  )

  it.effect("counts its time from the beginning of the fetch, however long that takes", () =>
    Effect.gen(function* () {
      const { dispatcher, queue } = yield* one
      queue.delay = 5000
      const taking = yield* Effect.forkChild(dispatcher.take(1))
      yield* TestClock.adjust("5 seconds")
      const [lease] = yield* Fiber.join(taking)
      queue.isUp = false
      yield* TestClock.adjust("3999 millis")
      assert.isTrue(lease?.isHeld())
      yield* TestClock.adjust("1 millis")
      assert.isFalse(lease?.isHeld())
    }).pipe(Effect.scoped)
  )

  it.effect("stays lost when the answer to a renewal comes after its time", () =>
    Effect.gen(function* () {
      const { dispatcher, lost, queue } = yield* one
      yield* TestClock.adjust("200 millis")
      const [lease] = yield* dispatcher.take(1)
      queue.delay = 6300
      yield* TestClock.adjust("9050 millis")
      assert.deepStrictEqual([lease?.isHeld(), lost], [false, []])
      yield* TestClock.adjust("100 millis")
      assert.isFalse(lease?.isHeld())
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual([lease?.isHeld(), lost], [false, [0]])
    }).pipe(Effect.scoped)
  )

  it.effect("counts its time from the beginning of a renewal, however long that takes", () =>
    Effect.gen(function* () {
      const { dispatcher, queue } = yield* one
      const [lease] = yield* dispatcher.take(1)
      queue.delay = 4000
      yield* TestClock.adjust("7 seconds")
      queue.isUp = false
      yield* TestClock.adjust("4999 millis")
      assert.isTrue(lease?.isHeld())
      yield* TestClock.adjust("1 millis")
      assert.isFalse(lease?.isHeld())
    }).pipe(Effect.scoped)
  )

  it.effect("is lost when the queue has given it to another process", () =>
    Effect.gen(function* () {
      const { dispatcher, lost, queue } = yield* one
      const [lease] = yield* dispatcher.take(1)
      queue.owner = "another process"
      yield* TestClock.adjust("3 seconds")
      assert.isFalse(lease?.isHeld())
      assert.deepStrictEqual(lost, [0])
      yield* TestClock.adjust("60 seconds")
      assert.deepStrictEqual(lost, [0])
    }).pipe(Effect.scoped)
  )

  it.effect("ends once: what is lost is neither completed nor given back", () =>
    Effect.gen(function* () {
      const { dispatcher, queue } = yield* one
      const [lease] = yield* dispatcher.take(1)
      queue.owner = "another process"
      yield* TestClock.adjust("3 seconds")
      if (lease !== undefined) yield* dispatcher.complete(lease)
      if (lease !== undefined) yield* dispatcher.giveBack(lease)
      assert.deepStrictEqual(queue.settled, [])
    }).pipe(Effect.scoped)
  )

  it.effect("is no longer held once it is completed", () =>
    Effect.gen(function* () {
      const { dispatcher, lost, queue } = yield* one
      const [lease] = yield* dispatcher.take(1)
      if (lease !== undefined) yield* dispatcher.complete(lease)
      assert.isFalse(lease?.isHeld())
      yield* TestClock.adjust("60 seconds")
      assert.deepStrictEqual([lost, queue.settled], [[], ["complete"]])
    }).pipe(Effect.scoped)
  )

  it.effect("is reported when it is taken, and when and how it ends", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      yield* Effect.gen(function* () {
        const { dispatcher, queue } = yield* one
        const [completed, givenBack] = [...(yield* dispatcher.take(1)), ...(yield* dispatcher.take(1))]
        if (completed !== undefined) yield* dispatcher.complete(completed)
        if (givenBack !== undefined) yield* dispatcher.giveBack(givenBack)
        yield* dispatcher.take(1)
        queue.owner = "another process"
        yield* TestClock.adjust("60 seconds")
      }).pipe(
        Event.listen((event) =>
          Effect.sync(() => void events.push(event._tag === "chunk-ended" ? event.outcome : event._tag))
        )
      )
      const taken = "chunk-taken"
      assert.deepStrictEqual(events, [taken, taken, "completed", "given-back", taken, "lost"])
    }).pipe(Effect.scoped)
  )
})

// Builders

/** A dispatcher of one chunk, on a queue that the test controls. */
const one = Effect.gen(function* () {
  const state = { isUp: true, delay: 0, owner: "this process", settled: new Array<string>() }
  const reached = <A>(answer: () => A) =>
    Effect.suspend(() =>
      state.isUp
        ? Effect.as(Effect.sleep(state.delay), answer())
        : Effect.fail(new Dispatcher.DispatcherFailed({ detail: "no answer" }))
    )
  const dispatcher = yield* Dispatcher.make({
    lease: 9000,
    send: () => Effect.void,
    fetch: () => reached(() => [[{ first: 0, generation: 1 }, "entry"] as const]),
    touch: (entries) => reached(() => (state.owner === "this process" ? entries : [])),
    complete: () => reached(() => void state.settled.push("complete")),
    giveBack: () => reached(() => void state.settled.push("give back"))
  })
  const lost: Array<number> = []
  yield* dispatcher.onLost(({ first }) => void lost.push(first))
  return { dispatcher, lost, queue: state }
})
