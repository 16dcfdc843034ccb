import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Event from "../../src/claude/Event.ts"
import { ClaudeError, Overloaded, StreamInterrupted } from "../../src/claude/ClaudeError.ts"
import * as Observe from "../../src/claude/Observe.ts"
import * as StreamEvent from "../../src/claude/StreamEvent.ts"
import * as Usage from "../../src/claude/Usage.ts"
import { firstHalf, message, request } from "../fixtures.ts"

describe("create", () => {
  it.effect("emits events for a call that is sent and finishes", () =>
    Effect.gen(function* () {
      const { exit, tags } = yield* observe(Observe.create(request, Effect.succeed({ ...facts, message: message() })))
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(tags, ["call-sent", "call-finished"])
    })
  )

  it.effect("emits events for a call that is sent and fails", () =>
    Effect.gen(function* () {
      const { exit, tags } = yield* observe(Observe.create(request, Effect.fail(overloaded)))
      assert.strictEqual(Exit.isFailure(exit) && Cause.squash(exit.cause), overloaded)
      assert.deepStrictEqual(tags, ["call-sent", "call-failed"])
    })
  )

  it.effect("emits events for a call that is sent and interrupted", () =>
    Effect.gen(function* () {
      const { tags } = yield* interrupted(Observe.create(request, Effect.never))
      assert.deepStrictEqual(tags, ["call-sent", "call-interrupted"])
    })
  )

  it.effect("reports the cost of a failed call at the price of the requested model", () =>
    Effect.gen(function* () {
      const usage = { ...Usage.zero, input: 1_000_000 }
      const broken = new ClaudeError({ reason: new StreamInterrupted({ detail: "cut", usage }) })
      const ask = (model: string, error: ClaudeError) =>
        observe(Observe.create({ ...request, model }, Effect.fail(error)))
      const costOf = ({ events }: { readonly events: ReadonlyArray<Event.Event> }) => {
        const end = events.at(-1)
        return end?._tag === "call-failed" ? end.cost && BigDecimal.format(end.cost) : "no failure"
      }
      assert.strictEqual(costOf(yield* ask("claude-sonnet-5-5", broken)), "2")
      assert.strictEqual(costOf(yield* ask("claude-of-tomorrow", broken)), undefined)
      assert.strictEqual(costOf(yield* ask("claude-sonnet-5-5", overloaded)), undefined)
    })
  )

  it.effect("emits one end event for an answer, even if the caller is interrupted meanwhile", () =>
    Effect.gen(function* () {
      const tags: Array<string> = []
      const telling = yield* Deferred.make<void>()
      const answer = Observe.create(request, Effect.succeed({ ...facts, message: message() }))
      const slow: Event.Listener = (event) =>
        Effect.gen(function* () {
          tags.push(event._tag)
          if (event._tag !== "call-finished") return
          yield* Deferred.succeed(telling, undefined)
          for (let step = 0; step < 10; step++) yield* Effect.yieldNow
        })
      const fiber = yield* Effect.forkChild(Event.listen(slow)(answer))
      yield* Deferred.await(telling)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(tags, ["call-sent", "call-finished"])
    })
  )

  it.effect("emits an end event for a defect too, so that no call counts as running forever", () =>
    Effect.gen(function* () {
      const { tags } = yield* observe(Observe.create(request, Effect.die("bug")))
      assert.deepStrictEqual(tags, ["call-sent", "call-interrupted"])
      const { tags: streamed } = yield* observe(Stream.runDrain(Observe.stream(request, Stream.die("bug"))))
      assert.deepStrictEqual(streamed, ["call-sent", "call-interrupted"])
    })
  )
})

describe("the number of an attempt", () => {
  it.effect("is on each of its events, and is unique in the process", () =>
    Effect.gen(function* () {
      const slow = Observe.create(request, Effect.delay(Effect.succeed({ ...facts, message: message() }), "1 second"))
      const both = Effect.all([slow, Stream.runDrain(Observe.stream(request, whole))], { concurrency: 2 })
      const running = yield* Effect.forkChild(observe(both))
      yield* TestClock.adjust("1 second")
      const { events } = yield* Fiber.join(running)
      const attempts = events.map((event) => ("attempt" in event ? event.attempt : undefined))
      const [first = 0, second] = attempts
      assert.deepStrictEqual(attempts, [first, first + 1, first + 1, first + 1, first])
      assert.strictEqual(second, first + 1)
      const { events: later } = yield* observe(Observe.create(request, Effect.fail(overloaded)))
      assert.deepStrictEqual(
        later.map((event) => "attempt" in event && event.attempt),
        [first + 2, first + 2]
      )
    })
  )
})

describe("stream", () => {
  it.effect("emits one event when a stream is sent, starts and finishes", () =>
    Effect.gen(function* () {
      const { tags, events } = yield* observe(Stream.runDrain(Observe.stream(request, whole)))
      assert.deepStrictEqual(tags, ["call-sent", "call-first-token", "call-finished"])
      const [, , finished] = events
      assert.deepInclude(finished?._tag === "call-finished" && finished.usage, { input: 10, output: 20 })
      assert.strictEqual(finished?._tag === "call-finished" && finished.requestId, "req_1")
    })
  )

  it.effect("passes the events on unchanged, with or without a listener", () =>
    Effect.gen(function* () {
      const expected = yield* Stream.runCollect(whole)
      const observed = Stream.runCollect(Observe.stream(request, whole))
      assert.deepStrictEqual(yield* observed, expected)
      assert.deepStrictEqual((yield* observe(observed)).exit, Exit.succeed(expected))
    })
  )

  it.effect("emits an event for a failure before or after the start", () =>
    Effect.gen(function* () {
      const early = Stream.fail(overloaded)
      const late = Stream.concat(half, Stream.fail(overloaded))
      const { tags: first } = yield* observe(Stream.runDrain(Observe.stream(request, early)))
      const { tags: second } = yield* observe(Stream.runDrain(Observe.stream(request, late)))
      assert.deepStrictEqual(first, ["call-sent", "call-failed"])
      assert.deepStrictEqual(second, ["call-sent", "call-first-token", "call-failed"])
    })
  )

  it.effect("emits call-interrupted if the consumer stops or is interrupted", () =>
    Effect.gen(function* () {
      const slow = Stream.rechunk(whole, 1)
      const { tags: taken } = yield* observe(Stream.runDrain(Stream.take(Observe.stream(request, slow), 4)))
      assert.deepStrictEqual(taken, ["call-sent", "call-first-token", "call-interrupted"])
      const stalled = Stream.concat(half, Stream.never)
      const { tags: stopped } = yield* interrupted(Stream.runDrain(Observe.stream(request, stalled)))
      assert.deepStrictEqual(stopped, ["call-sent", "call-first-token", "call-interrupted"])
    })
  )

  it.effect("passes a reader's own failure on, and emits call-interrupted", () =>
    Effect.gen(function* () {
      const other = new ClaudeError({ reason: new StreamInterrupted({ detail: "another call", usage: Usage.zero }) })
      for (const own of ["mine", other]) {
        const failing = Stream.runForEach(Observe.stream(request, Stream.fromIterable(firstHalf(message()))), () =>
          Effect.fail(own)
        )
        const { exit, tags } = yield* observe(failing)
        assert.deepStrictEqual(exit, Exit.fail(own))
        assert.deepStrictEqual(tags, ["call-sent", "call-first-token", "call-interrupted"])
      }
    })
  )

  it.effect("emits call-interrupted to the listener of its start, wherever the stream is closed", () =>
    Effect.gen(function* () {
      const tags: Array<string> = []
      const listener = (event: Event.Event) => Effect.sync(() => tags.push(event._tag))
      const inside = Stream.provideService(Observe.stream(request, Stream.rechunk(whole, 1)), Event.Listener, listener)
      yield* Stream.runDrain(Stream.take(inside, 4))
      assert.deepStrictEqual(tags, ["call-sent", "call-first-token", "call-interrupted"])
    })
  )

  it.effect("counts as finished after message_stop, even if the consumer stops there", () =>
    Effect.gen(function* () {
      const untilStop = Stream.takeUntil(Observe.stream(request, whole), ({ type }) => type === "message_stop")
      const { tags } = yield* observe(Stream.runDrain(untilStop))
      assert.deepStrictEqual(tags, ["call-sent", "call-first-token", "call-finished"])
    })
  )

  it.effect("emits new events for each run", () =>
    Effect.gen(function* () {
      const stream = Observe.stream(request, whole)
      const { tags } = yield* observe(Effect.andThen(Stream.runDrain(stream), Stream.runDrain(stream)))
      const once = ["call-sent", "call-first-token", "call-finished"]
      assert.deepStrictEqual(tags, [...once, ...once])
    })
  )
})

// Builders

const facts = { requestId: "req_1", origin: "api", rateLimits: undefined } as const
const overloaded = new ClaudeError({ reason: new Overloaded({ detail: "later" }) })

const streamOf = (events: ReadonlyArray<StreamEvent.StreamEvent>) =>
  Stream.fromIterable<StreamEvent.StreamEvent>([{ type: "stream_start", ...facts }, ...events])
const whole = streamOf(StreamEvent.fromMessage(message()))
const half = streamOf(firstHalf(message()))

/** The exit of an effect, and the events that it emitted. */
const observe = Effect.fnUntraced(function* <A, E>(effect: Effect.Effect<A, E>) {
  const events: Array<Event.Event> = []
  const exit = yield* Effect.exit(Event.listen((event) => Effect.sync(() => events.push(event)))(effect))
  return { exit, events, tags: events.map((event) => event._tag) }
})

/** The same for an effect that is interrupted when it blocks. */
const interrupted = <A, E>(effect: Effect.Effect<A, E>) =>
  observe(
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(effect)
      for (let step = 0; step < 10; step++) yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
    })
  )
