import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Event from "../../src/claude/Event.ts"
import * as CallSite from "../../src/claude/CallSite.ts"
import type { Claude } from "../../src/claude/Claude.ts"
import * as Batch from "../../src/pipeline/Batch.ts"
import * as Step from "../../src/pipeline/Step.ts"
import * as Concurrency from "../../src/policy/Concurrency.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"

describe("Batch.map", () => {
  it.effect("returns a result for each item, in the order of the items", () =>
    Effect.gen(function* () {
      const work = (item: number) => (item === 2 ? Effect.fail("two" as const) : taking(10 - item)(item))
      const results = yield* during(Batch.map([1, 2, 3], work))
      expectTypeOf(results).toEqualTypeOf<Array<Result.Result<number, "two">>>()
      assert.deepStrictEqual(results, [Result.succeed(1), Result.fail("two" as const), Result.succeed(3)])
    }).pipe(Effect.provide(layer))
  )

  it.effect("takes a step", () =>
    Effect.gen(function* () {
      const results = yield* Batch.map(
        ["a", "b"],
        Step.text("ask", (item: string) => item)
      )
      assert.deepStrictEqual(results, [Result.succeed("Hello."), Result.succeed("Hello.")])
    }).pipe(Effect.provide(layer))
  )

  it.effect("runs twice as many items as the capacity of Claude", () =>
    Effect.gen(function* () {
      const { work, most } = counting()
      yield* during(Batch.map(range(50), work))
      assert.strictEqual(most(), 6)
    }).pipe(Effect.provide(TestClaude.layer().pipe(Concurrency.policy(3))))
  )

  it.effect("runs at most 1,000 items more than the capacity of Claude", () =>
    Effect.gen(function* () {
      const { work, most } = counting()
      yield* during(Batch.map(range(4000), work))
      assert.strictEqual(most(), 3000)
    }).pipe(Effect.provide(TestClaude.layer().pipe(Concurrency.policy(2000))))
  )

  it.effect("runs `concurrency` items at once", () =>
    Effect.gen(function* () {
      const { work, most } = counting()
      yield* during(Batch.map(range(50), work, { concurrency: 5 }))
      assert.strictEqual(most(), 5)
    }).pipe(Effect.provide(layer))
  )

  it.effect("runs one item at a time while Claude is paused", () =>
    Effect.gen(function* () {
      const { work, most } = counting()
      yield* during(Batch.map(range(3), work))
      assert.strictEqual(most(), 1)
    }).pipe(Effect.provide(TestClaude.layer().pipe(Concurrency.policy(0))))
  )

  it.effect("runs 10,000 items without exceeding its fan-out", () =>
    Effect.gen(function* () {
      const { work, most } = counting(Effect.yieldNow)
      const results = yield* Batch.map(range(10_000), work)
      assert.deepStrictEqual(results, range(10_000).map(Result.succeed))
      assert.strictEqual(most(), 128)
    }).pipe(Effect.provide(layer))
  )

  it.effect("emits an event for each item when it ends", () =>
    Effect.gen(function* () {
      const { events, listener } = recording()
      const work = (item: number) => (item === 1 ? Effect.fail("one") : taking(3 - item)(item))
      yield* during(Batch.map([0, 1, 2], work).pipe(CallSite.within("letters"), Event.listen(listener)))
      assert.deepStrictEqual(
        events.map((event) => event._tag === "item-finished" && [event.index, event.succeeded, event.site.path]),
        [
          [1, false, ["letters"]],
          [2, true, ["letters"]],
          [0, true, ["letters"]]
        ]
      )
    }).pipe(Effect.provide(layer))
  )

  it.effect("stops all its items when interrupted", () =>
    Effect.gen(function* () {
      const { work, inFlight, stopped } = counting()
      const running = yield* Effect.forkChild(Batch.map(range(50), work, { concurrency: 4 }))
      yield* TestClock.adjust("1500 millis")
      yield* Fiber.interrupt(running)
      assert.deepStrictEqual([inFlight(), stopped()], [0, 4])
    }).pipe(Effect.provide(layer))
  )

  it.effect("stops at a defect, since a bug is not a result", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(
        Batch.map([1, 2], (item) => (item === 2 ? Effect.die("bug") : Effect.succeed(item)))
      )
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
    }).pipe(Effect.provide(layer))
  )

  it.effect("finishes at once without items", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Batch.map([], taking(1)), [])
    }).pipe(Effect.provide(layer))
  )
})

describe("Batch.map with failFast", () => {
  it.effect("returns only the values", () =>
    Effect.gen(function* () {
      const values = yield* during(Batch.map([1, 2, 3], (item) => taking(4 - item)(item), { mode: "failFast" }))
      expectTypeOf(values).toEqualTypeOf<Array<number>>()
      assert.deepStrictEqual(values, [1, 2, 3])
    }).pipe(Effect.provide(layer))
  )

  it.effect("fails with the first failure, interrupts the running items and starts no more", () =>
    Effect.gen(function* () {
      const { work, started, stopped } = counting()
      const failing = (item: number) => (item === 3 ? Effect.fail("three" as const) : work(item))
      const batch = Batch.map(range(50), failing, { mode: "failFast", concurrency: 4 })
      expectTypeOf(batch).toEqualTypeOf<Effect.Effect<Array<number>, "three", Claude>>()
      assert.strictEqual(yield* Effect.flip(batch), "three")
      assert.deepStrictEqual([started(), stopped()], [3, 3])
    }).pipe(Effect.provide(layer))
  )
})

describe("Batch.stream", () => {
  it.effect("emits each result as it finishes, with its item and index", () =>
    Effect.gen(function* () {
      const work = (item: string) => (item === "b" ? Effect.fail("no" as const) : taking(item === "a" ? 3 : 1)(item))
      const finished = yield* during(Stream.runCollect(Batch.stream(["a", "b", "c"], work)))
      expectTypeOf(finished).toEqualTypeOf<Array<Batch.Finished<string, string, "no">>>()
      assert.deepStrictEqual(finished, [
        { index: 1, item: "b", result: Result.fail("no" as const) },
        { index: 2, item: "c", result: Result.succeed("c") },
        { index: 0, item: "a", result: Result.succeed("a") }
      ])
    }).pipe(Effect.provide(layer))
  )

  it.effect("pulls items from a stream only as fast as they finish", () =>
    Effect.gen(function* () {
      let taken = 0
      const items = Stream.tap(Stream.fromIterable(range(1000)).pipe(Stream.rechunk(1)), () =>
        Effect.sync(() => taken++)
      )
      const { work, most } = counting()
      const some = Stream.take(Batch.stream(items, work, { concurrency: 4 }), 8)
      assert.strictEqual((yield* during(Stream.runCollect(some))).length, 8)
      assert.strictEqual(most(), 4)
      assert.isAtMost(taken, 20)
    }).pipe(Effect.provide(layer))
  )

  it.effect("starts no more items while its consumer is busy", () =>
    Effect.gen(function* () {
      const { work, started } = counting(Effect.void)
      const slow = Batch.stream(range(1000), work, { concurrency: 4 }).pipe(
        Stream.mapEffect((finished) => Effect.as(Effect.sleep("1 minute"), finished))
      )
      const running = yield* Effect.forkChild(Stream.runDrain(slow))
      yield* TestClock.adjust("3 minutes")
      assert.isAtMost(started(), 40)
      yield* Fiber.interrupt(running)
    }).pipe(Effect.provide(layer))
  )

  it.effect("fails when its source fails, after the earlier items", () =>
    Effect.gen(function* () {
      const source = Stream.concat(Stream.make("a"), Stream.fail("unreadable"))
      const seen: Array<string> = []
      const batch = Stream.runForEach(Batch.stream(source, Effect.succeed), ({ item }) =>
        Effect.sync(() => seen.push(item))
      )
      assert.strictEqual(yield* Effect.flip(batch), "unreadable")
      assert.deepStrictEqual(seen, ["a"])
    }).pipe(Effect.provide(layer))
  )

  it.effect("stops all its items when its consumer stops", () =>
    Effect.gen(function* () {
      const { work, inFlight } = counting()
      yield* during(Stream.runDrain(Stream.take(Batch.stream(range(50), work, { concurrency: 4 }), 2)))
      assert.strictEqual(inFlight(), 0)
    }).pipe(Effect.provide(layer))
  )

  it.effect("runs twice as many items as the capacity of Claude, and emits an event for each", () =>
    Effect.gen(function* () {
      const { work, most } = counting()
      const { events, listener } = recording()
      yield* during(Stream.runDrain(Batch.stream(range(20), work)).pipe(Event.listen(listener)))
      assert.strictEqual(most(), 6)
      assert.strictEqual(events.length, 20)
    }).pipe(Effect.provide(TestClaude.layer().pipe(Concurrency.policy(3))))
  )
})

// Builders

const layer = TestClaude.layer("Hello.")
const range = (length: number) => Array.from({ length }, (_, index) => index)

/** Work that takes this many seconds. */
const taking =
  (seconds: number) =>
  <A>(item: A) =>
    Effect.as(Effect.sleep(seconds * 1000), item)

/** Runs an effect while an hour passes. */
const during = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const running = yield* Effect.forkChild(effect)
  yield* TestClock.adjust("1 hour")
  return yield* Fiber.join(running)
})

const recording = () => {
  const events: Array<Event.Event> = []
  return { events, listener: (event: Event.Event) => Effect.sync(() => void events.push(event)) }
}

/** Work that counts how often and how many at once it runs. */
const counting = (labour: Effect.Effect<unknown> = Effect.sleep("1 seconds")) => {
  let inFlight = 0
  let most = 0
  let started = 0
  let stopped = 0
  const work = (item: number) =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        started++
        most = Math.max(most, ++inFlight)
      }),
      () => Effect.as(labour, item),
      (_, exit) =>
        Effect.sync(() => {
          inFlight--
          if (Exit.isFailure(exit)) stopped++
        })
    )
  return { work, inFlight: () => inFlight, most: () => most, started: () => started, stopped: () => stopped }
}
