import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Event from "../../src/claude/Event.ts"
import { Claude } from "../../src/claude/Claude.ts"
import { ClaudeError, Overloaded } from "../../src/claude/ClaudeError.ts"
import type { StreamEvent } from "../../src/claude/StreamEvent.ts"
import * as Concurrency from "../../src/policy/Concurrency.ts"
import { message, request } from "../fixtures.ts"

describe("a cap of 3", () => {
  it.effect("keeps exactly 3 calls in flight while calls are waiting", () =>
    Effect.gen(function* () {
      const api = gauge()
      const running = yield* manyOf(create, 10).pipe(Effect.provide(Concurrency.policy(3)(api.layer)), Effect.forkChild)
      for (const [inFlight, finished] of [
        [3, 0],
        [3, 3],
        [3, 6],
        [1, 9],
        [0, 10]
      ]) {
        yield* TestClock.adjust(0)
        assert.deepStrictEqual([api.inFlight(), api.finished()], [inFlight, finished])
        yield* TestClock.adjust("1 seconds")
      }
      yield* Fiber.join(running)
      assert.strictEqual(api.most(), 3)
    })
  )

  it.effect("counts create, stream and countTokens together", () =>
    Effect.gen(function* () {
      const api = gauge()
      const calls = Effect.all([manyOf(create, 3), manyOf(countTokens, 3), manyOf(Stream.runDrain(stream), 3)], {
        concurrency: "unbounded"
      })
      const running = yield* calls.pipe(Effect.provide(Concurrency.policy(3)(api.layer)), Effect.forkChild)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(running)
      assert.strictEqual(api.most(), 3)
      assert.strictEqual(api.finished(), 9)
    })
  )

  it.effect("is the capacity of Claude", () =>
    Effect.gen(function* () {
      const capacity = Claude.use((claude) => claude.capacity)
      assert.strictEqual(yield* Effect.provide(capacity, Concurrency.policy(3)(gauge().layer)), 3)
    })
  )
})

describe("a wait for a permit", () => {
  it.effect("is reported with its duration, and only by calls that waited", () =>
    Effect.gen(function* () {
      const waits: Array<readonly [string, number]> = []
      const listener = (event: Event.Event) =>
        Effect.sync(() => {
          if (event._tag === "call-waited") waits.push([event.for, Duration.toSeconds(event.duration)])
        })
      const calls = Effect.all([manyOf(create, 3), Stream.runDrain(stream)], { concurrency: "unbounded" })
      const running = yield* calls.pipe(
        Event.listen(listener),
        Effect.provide(Concurrency.policy(2)(gauge().layer)),
        Effect.forkChild
      )
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(running)
      assert.deepStrictEqual(waits, [
        ["concurrency", 1],
        ["concurrency", 1]
      ])
    })
  )
})

describe("a stream", () => {
  it.effect("holds its permit while it is read", () =>
    Effect.gen(function* () {
      const { entered } = yield* afterStream(Effect.never, (events) =>
        events.pipe(
          Stream.mapEffect((event) => Effect.as(Effect.sleep("1 hour"), event)),
          Stream.take(2)
        )
      )
      yield* TestClock.adjust("1 hour")
      assert.isFalse(entered())
      yield* TestClock.adjust("1 hour")
      assert.isTrue(entered())
    })
  )

  it.effect("releases its permit when its reader stops halfway", () =>
    Effect.gen(function* () {
      const { entered } = yield* afterStream(Effect.never, Stream.take(1))
      yield* TestClock.adjust("1 seconds")
      assert.isTrue(entered())
    })
  )

  it.effect("releases its permit when it fails", () =>
    Effect.gen(function* () {
      const { entered } = yield* afterStream(Effect.fail(overloaded))
      yield* TestClock.adjust("1 seconds")
      assert.isTrue(entered())
    })
  )

  it.effect("releases its permit when it is interrupted", () =>
    Effect.gen(function* () {
      const { entered, reading } = yield* afterStream(Effect.never)
      yield* TestClock.adjust("1 seconds")
      assert.isFalse(entered())
      yield* Fiber.interrupt(reading)
      yield* TestClock.adjust("1 seconds")
      assert.isTrue(entered())
    })
  )
})

describe("interrupting", () => {
  it.effect("removes a waiting call from the queue, and releases the permit of a running call", () =>
    Effect.gen(function* () {
      const api = gauge()
      const ask = Effect.provide(create, yield* Layer.build(Concurrency.policy(1)(api.layer)))
      const first = yield* Effect.forkChild(ask)
      const second = yield* Effect.forkChild(ask)
      const third = yield* Effect.forkChild(ask)
      yield* TestClock.adjust(0)
      yield* Fiber.interrupt(second)
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("1 seconds")
      yield* Fiber.join(third)
      assert.deepStrictEqual([api.finished(), api.most()], [1, 1])
    })
  )
})

describe("resize", () => {
  it.effect("admits more calls at once, or lets the calls in flight finish if the cap shrinks", () =>
    Effect.gen(function* () {
      const api = gauge()
      const cap = yield* Concurrency.make(2)
      const running = yield* manyOf(create, 20).pipe(
        Effect.provide(Concurrency.policy(cap)(api.layer)),
        Effect.forkChild
      )
      const flights: Array<number> = []
      for (const permits of [2, 5, 1, 0, 0, 3]) {
        yield* Concurrency.resize(cap, permits)
        yield* TestClock.adjust(0)
        flights.push(api.inFlight())
        yield* TestClock.adjust("1 seconds")
      }
      assert.deepStrictEqual(flights, [2, 5, 5, 1, 0, 3])
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(running)
      assert.strictEqual(api.finished(), 20)
    })
  )

  it.effect("changes the capacity of Claude", () =>
    Effect.gen(function* () {
      const cap = yield* Concurrency.make(2)
      const capacity = Claude.use((claude) => claude.capacity)
      const seen = yield* Effect.all([capacity, Concurrency.resize(cap, 5), capacity]).pipe(
        Effect.provide(Concurrency.policy(cap)(gauge().layer))
      )
      assert.deepStrictEqual(seen, [2, undefined, 5])
    })
  )
})

describe("one cap or two", () => {
  it.effect("one handle in two layers is one cap", () =>
    Effect.gen(function* () {
      const cap = yield* Concurrency.make(2)
      assert.strictEqual(yield* mostOfTwo(() => Concurrency.policy(cap)), 2)
    })
  )

  it.effect("one policy value in two sibling provides is one cap, even if its layer is built twice", () =>
    Effect.gen(function* () {
      const policy = Concurrency.policy(2)
      assert.strictEqual(yield* mostOfTwo(() => policy), 2)
    })
  )

  it.effect("policy(2) written in two sibling provides is two caps: 4 in flight", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* mostOfTwo(() => Concurrency.policy(2)), 4)
    })
  )
})

// Builders

const overloaded = new ClaudeError({ reason: new Overloaded({ detail: "later" }) })
const start: StreamEvent = { type: "stream_start", requestId: "req_1", origin: "api", rateLimits: undefined }

const create = Claude.use((claude) => claude.create(request))
const countTokens = Claude.use((claude) => claude.countTokens(request))
const stream = Stream.unwrap(Claude.useSync((claude) => claude.stream(request)))

const manyOf = <A, E, R>(call: Effect.Effect<A, E, R>, times: number) =>
  Effect.all(
    Array.from({ length: times }, () => call),
    { concurrency: "unbounded", discard: true }
  )

/** A Claude whose calls take a second each, with counters. */
const gauge = () => {
  let inFlight = 0
  let most = 0
  let finished = 0
  const enter = Effect.sync(() => (most = Math.max(most, ++inFlight)))
  const leave = Effect.sync(() => inFlight--)
  const second = <A>(value: A) =>
    Effect.acquireUseRelease(
      enter,
      () =>
        Effect.andThen(
          Effect.sleep("1 seconds"),
          Effect.sync(() => (finished++, value))
        ),
      () => leave
    )
  const reply = { message: message(), requestId: "req_1", origin: "api", rateLimits: undefined } as const
  const layer = Layer.mock(Claude)({
    create: () => second(reply),
    countTokens: () => second(1),
    stream: () => Stream.fromEffect(second(start))
  })
  return { layer, inFlight: () => inFlight, most: () => most, finished: () => finished }
}

/** Reads a stream of two events and `end` under a cap of 1; `entered` is whether a later call has started. */
const afterStream = Effect.fnUntraced(function* (
  end: Effect.Effect<never, ClaudeError>,
  reader: (events: typeof stream) => typeof stream = (all) => all
) {
  let entered = false
  const layer = yield* Layer.build(
    Concurrency.policy(1)(
      Layer.mock(Claude)({
        stream: () => Stream.concat(Stream.make(start, start), Stream.fromEffect(end)),
        countTokens: () => Effect.sync(() => ((entered = true), 1))
      })
    )
  )
  const reading = yield* stream.pipe(reader, Stream.runDrain, Effect.provide(layer), Effect.forkChild)
  yield* Effect.yieldNow
  yield* countTokens.pipe(Effect.provide(layer), Effect.forkChild)
  return { entered: () => entered, reading }
})

/** The maximum of calls in flight over two sibling provides of a policy with one API. */
const mostOfTwo = Effect.fnUntraced(function* (policy: () => ReturnType<typeof Concurrency.policy>) {
  const api = gauge()
  const side = () => Effect.provide(manyOf(create, 5), policy()(api.layer))
  const running = yield* Effect.forkChild(Effect.all([side(), side()], { concurrency: 2 }))
  yield* TestClock.adjust("1 minute")
  yield* Fiber.join(running)
  return api.most()
})
