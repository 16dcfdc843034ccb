import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Event from "../../src/claude/Event.ts"
import { Claude } from "../../src/claude/Claude.ts"
import {
  ClaudeError,
  ConnectionFailed,
  InvalidRequest,
  NotFound,
  Overloaded,
  RateLimited,
  type Reason,
  ServerFailed,
  StreamInterrupted
} from "../../src/claude/ClaudeError.ts"
import type { Request } from "../../src/claude/Request.ts"
import { type StreamEvent, text } from "../../src/claude/StreamEvent.ts"
import * as Retry from "../../src/policy/Retry.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"
import { firstHalf, message, request } from "../fixtures.ts"

describe("by default", () => {
  it.effect("retries a retryable failure, and returns the answer", () =>
    Effect.gen(function* () {
      const { exit, delays } = yield* played(create, [overloaded, overloaded, "Hello."])
      assert.strictEqual(exit._tag, "Success")
      assert.strictEqual(delays.length, 2)
    })
  )

  it.effect.prop("retries twelve times, after random delays of up to 0.5 s, 1 s, 2 s … 30 s", [Schema.Int], ([seed]) =>
    Effect.gen(function* () {
      const { exit, delays } = yield* played(create, always(overloaded)).pipe(Random.withSeed(seed))
      assert.strictEqual(exit._tag, "Failure")
      assert.strictEqual(delays.length, 12)
      for (const [index, delay] of delays.entries()) assert.isAtMost(delay, caps[index] ?? 30_000)
    })
  )

  it.effect("uses the full range of each delay, from zero to its maximum", () =>
    Effect.gen(function* () {
      const { delays: longest } = yield* played(create, always(overloaded)).pipe(always99)
      assert.deepStrictEqual(
        longest.slice(0, caps.length),
        caps.map((cap) => cap * 0.99)
      )
      const { delays: shortest } = yield* played(create, always(overloaded)).pipe(alwaysZero)
      assert.isTrue(shortest.length === 12 && shortest.every((delay) => delay === 0))
    })
  )

  it.effect.each<[string, Partial<Request>, number]>([
    ["an output format", { output_config: { format: { type: "json_schema", schema: {} } } }, 2],
    ["a strict tool", { tools: [{ name: "x", input_schema: { type: "object" }, strict: true }] }, 2],
    ["a tool that is not strict", { tools: [{ name: "x", input_schema: { type: "object" } }] }, 12]
  ])("repeats a request with %s after a status 500, and tells how often", ([, fields, times]) =>
    Effect.gen(function* () {
      const call = Claude.use((claude) => claude.create({ ...request, ...fields }))
      const { delays, events } = yield* played(call, always(new ServerFailed({ detail: "oops", status: 500 })))
      assert.lengthOf(delays, times)
      const repeats = events.flatMap((event) => (event._tag === "call-retried" ? [event.repeats] : []))
      assert.deepStrictEqual(new Set(repeats), new Set([times]))
      const { delays: others } = yield* played(call, always(new ServerFailed({ detail: "no gateway", status: 502 })))
      assert.lengthOf(others, 12)
    })
  )

  it.effect("waits at least retry-after, plus a random delay that spreads the callers", () =>
    Effect.gen(function* () {
      const limited = new RateLimited({ detail: "slow down", retryAfter: Duration.seconds(42) })
      const { delays } = yield* played(create, [limited, "Hello."])
      assert.isAbove(delays[0] ?? 0, 42_000)
      assert.isAtMost(delays[0] ?? 0, 42_500)
    })
  )

  it.effect("starts no retry later than 10 minutes after the first failure", () =>
    Effect.gen(function* () {
      const limited = (minutes: number) =>
        new RateLimited({ detail: "slow down", retryAfter: Duration.minutes(minutes) })
      const { exit, delays } = yield* played(create, [limited(4), limited(5), limited(1), "Hello."])
      assert.strictEqual(exit._tag, "Failure")
      assert.deepStrictEqual(
        delays.map((delay) => Math.floor(delay / 60_000)),
        [4, 5]
      )
      assert.deepStrictEqual((yield* played(create, [limited(11), "Hello."])).delays, [])
    })
  )

  it.effect.each<[string, Reason]>([
    ["a missing model", new NotFound({ detail: "no such model" })],
    ["an invalid request", new InvalidRequest({ detail: "no" })],
    ["a failure that the API marks as final", new Overloaded({ detail: "later", shouldRetry: false })]
  ])("does not retry %s", ([, reason]) =>
    Effect.gen(function* () {
      const { exit, events } = yield* played(create, [reason])
      assert.strictEqual(exit._tag, "Failure")
      assert.deepStrictEqual(
        events.map((event) => event._tag),
        ["call-sent", "call-failed"]
      )
    })
  )

  it.effect("retries a failure that the API marks as retryable", () =>
    Effect.gen(function* () {
      const { exit } = yield* played(create, [new InvalidRequest({ detail: "no", shouldRetry: true }), "Hello."])
      assert.strictEqual(exit._tag, "Success")
    })
  )

  it.effect.each(["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH"])(
    "gives up an unreachable host (%s) after 4 retries and at most 7.5 s",
    (code) =>
      Effect.gen(function* () {
        const { delays, events } = yield* played(create, always(new ConnectionFailed({ detail: "no", code }))).pipe(
          always99
        )
        assert.deepStrictEqual(delays, [495, 990, 1980, 3960])
        assert.deepStrictEqual(
          events.flatMap((event) => (event._tag === "call-retried" ? [[event.repeat, event.repeats]] : [])),
          [1, 2, 3, 4].map((repeat) => [repeat, 4])
        )
      })
  )

  it.effect("retries longer if a connection broke, or if the host answers in between", () =>
    Effect.gen(function* () {
      const broken = new ConnectionFailed({ detail: "gone", code: "ECONNRESET" })
      assert.lengthOf((yield* played(create, always(broken))).delays, 12)
      const refused = new ConnectionFailed({ detail: "no", code: "ECONNREFUSED" })
      const starting = [refused, refused, refused, refused, overloaded, refused, refused, refused, refused, "Hello."]
      const { delays, exit } = yield* played(create, starting)
      assert.deepStrictEqual([exit._tag, delays.length], ["Success", 9])
    })
  )

  it.effect("emits an event for each retry, with its error and its delay", () =>
    Effect.gen(function* () {
      const connection = new ConnectionFailed({ detail: "gone" })
      const { events } = yield* played(create, [overloaded, connection, "Hello."]).pipe(always99)
      assert.deepStrictEqual(
        events.map((event) => event._tag),
        [...repeat, ...repeat, "call-sent", "call-finished"]
      )
      const retried = events.flatMap((event) => (event._tag === "call-retried" ? [event] : []))
      assert.deepStrictEqual(
        retried.map(({ delay, error, model, repeat, repeats }) => [
          repeat,
          repeats,
          Duration.toMillis(delay),
          error.reason,
          model
        ]),
        [
          [1, 12, 495, overloaded, request.model],
          [2, 12, 990, connection, request.model]
        ]
      )
    })
  )
})

describe("a custom schedule", () => {
  it.effect("receives the typed reason", () =>
    Effect.gen(function* () {
      const onlyOverloaded = Schedule.spaced("1 seconds").pipe(
        Schedule.setInputType<ClaudeError>(),
        Schedule.while(({ input }) => input.reason._tag === "Overloaded")
      )
      const connection = new ConnectionFailed({ detail: "gone" })
      const { exit, delays } = yield* played(create, [overloaded, connection, "Hello."], onlyOverloaded)
      assert.strictEqual(exit._tag, "Failure")
      assert.deepStrictEqual(delays, [1000])
    })
  )

  it.effect("waits at least retry-after too, and is not asked about final failures", () =>
    Effect.gen(function* () {
      const limited = new RateLimited({ detail: "slow down", retryAfter: Duration.seconds(9) })
      const { exit, delays } = yield* played(create, [limited, new NotFound({ detail: "no" })], Schedule.forever)
      assert.strictEqual(exit._tag, "Failure")
      assert.deepStrictEqual(delays, [9000])
    })
  )
})

describe("countTokens", () => {
  it.effect("is retried too", () =>
    Effect.gen(function* () {
      let calls = 0
      const count = Effect.suspend(() => (++calls < 3 ? failing(overloaded) : Effect.succeed(7)))
      const layer = Retry.policy(Schedule.forever)(serving({ countTokens: () => count }))
      const counted = Claude.use((claude) => claude.countTokens(request)).pipe(Effect.provide(layer))
      assert.strictEqual(yield* counted, 7)
    })
  )
})

describe("a stream", () => {
  it.effect("is retried before its first content, and hides the events of failed attempts", () =>
    Effect.gen(function* () {
      const opening = streamOf([start, ...firstHalf(message()).slice(0, 1)])
      const attempts = [failed(overloaded), Stream.concat(opening, failed(overloaded)), whole]
      const { events, tags } = yield* streamed(attempts)
      assert.deepStrictEqual(events, yield* Stream.runCollect(whole))
      assert.deepStrictEqual(tags, ["call-retried", "call-retried"])
    })
  )

  it.effect("is not retried after its first content: the reader keeps it, and the stream fails", () =>
    Effect.gen(function* () {
      const cut = Stream.concat(streamOf([start, ...firstHalf(message())]), failed(interrupted))
      const seen: Array<StreamEvent> = []
      const { error, tags } = yield* streamed([cut, whole], seen)
      assert.strictEqual(error?.reason, interrupted)
      assert.strictEqual(seen.map(text).join(""), "Hello,")
      assert.deepStrictEqual(tags, [])
    })
  )

  it.effect("may end without content", () =>
    Effect.gen(function* () {
      const { events } = yield* streamed([streamOf([start, { type: "message_stop" }])])
      assert.deepStrictEqual(events, [start, { type: "message_stop" }])
    })
  )

  it.effect("closes a failed attempt before it waits for the next", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      yield* streamed([logging(log, "first", failed(overloaded)), logging(log, "second", whole)])
      assert.deepStrictEqual(log, ["open first", "close first", "open second", "close second"])
    })
  )

  it.effect("closes its attempt when its reader stops, before or after the first content", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const layer = (name: string, events: Stream.Stream<StreamEvent, ClaudeError>) =>
        Retry.policy()(serving({ stream: () => logging(log, name, events) }))
      yield* Effect.provide(Stream.runDrain(Stream.take(stream, 3)), layer("taken", whole))
      const waiting = yield* Effect.forkChild(Effect.provide(Stream.runDrain(stream), layer("silent", Stream.never)))
      yield* TestClock.adjust("1 seconds")
      yield* Fiber.interrupt(waiting)
      assert.deepStrictEqual(log, ["open taken", "close taken", "open silent", "close silent"])
    })
  )

  it.effect("reports a failed attempt before it retries", () =>
    Effect.gen(function* () {
      const { events } = yield* played(Stream.runDrain(stream), [overloaded, "Hello."])
      assert.deepStrictEqual(
        events.map((event) => event._tag),
        ["call-sent", "call-failed", "call-retried", "call-sent", "call-first-token", "call-finished"]
      )
    })
  )
})

// Builders

const repeat = ["call-sent", "call-failed", "call-retried"]
const caps = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]

const overloaded = new Overloaded({ detail: "later" })
const interrupted = new StreamInterrupted({ detail: "cut" })
const failing = (reason: Reason) => Effect.fail(new ClaudeError({ reason }))
const failed = (reason: Reason) => Stream.fail(new ClaudeError({ reason }))
const always = (reason: Reason) => () => reason

const start: StreamEvent = { type: "stream_start", requestId: "req_1", origin: "api", rateLimits: undefined }
const streamOf = (events: ReadonlyArray<StreamEvent>): Stream.Stream<StreamEvent, ClaudeError> =>
  Stream.rechunk(Stream.fromIterable(events), 1)
const whole = streamOf([start, ...firstHalf(message()), { type: "message_stop" }])

const create = Claude.use((claude) => claude.create(request))
const stream = Stream.unwrap(Claude.useSync((claude) => claude.stream(request)))

const always99 = Effect.provideService(Random.Random, { nextIntUnsafe: () => 1, nextDoubleUnsafe: () => 0.99 })
const alwaysZero = Effect.provideService(Random.Random, { nextIntUnsafe: () => 0, nextDoubleUnsafe: () => 0 })

/** Runs a call with these replies under the test clock. `delays` are measured from each failure to the next attempt. */
const played = Effect.fnUntraced(function* <A>(
  call: Effect.Effect<A, ClaudeError, Claude>,
  reply: TestClaude.Reply,
  schedule?: Retry.RetrySchedule
) {
  const events: Array<Event.Event> = []
  const sent: Array<number> = []
  const running = yield* call.pipe(
    Event.listen((event) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        events.push(event)
        if (event._tag === "call-sent") sent.push(now)
      })
    ),
    Effect.provide(TestClaude.layer(reply).pipe(Retry.policy(schedule))),
    Effect.exit,
    Effect.forkChild
  )
  yield* TestClock.adjust("1 hour")
  const exit = yield* Fiber.join(running)
  return { exit, events, delays: sent.slice(1).map((time, index) => time - (sent[index] ?? 0)) }
})

/** A stream that logs when it opens and closes. */
const logging = (log: Array<string>, name: string, events: Stream.Stream<StreamEvent, ClaudeError>) => {
  const note = (what: string) => Effect.sync(() => log.push(`${what} ${name}`))
  return Stream.unwrap(
    Effect.as(
      Effect.acquireRelease(note("open"), () => note("close")),
      events
    )
  )
}

/** A Claude with only these members. */
const serving = (members: Partial<Claude["Service"]>) => Layer.mock(Claude)(members)

/** Reads a stream with these attempts. */
const streamed = Effect.fnUntraced(function* (
  attempts: ReadonlyArray<Stream.Stream<StreamEvent, ClaudeError>>,
  seen: Array<StreamEvent> = []
) {
  const tags: Array<string> = []
  let attempt = 0
  const next = Stream.suspend(() => attempts[attempt++] ?? Stream.die("no more attempts"))
  const running = yield* stream.pipe(
    Stream.runForEach((event) => Effect.sync(() => seen.push(event))),
    Event.listen((event) => Effect.sync(() => tags.push(event._tag))),
    Effect.provide(Retry.policy()(serving({ stream: () => next }))),
    Effect.flip,
    Effect.option,
    Effect.forkChild
  )
  yield* TestClock.adjust("1 hour")
  const error = yield* Fiber.join(running)
  return { events: seen, tags, error: error._tag === "Some" ? error.value : undefined }
})
