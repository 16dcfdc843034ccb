import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { Claude } from "../../src/claude/Claude.ts"
import { ClaudeError, RateLimited, type Reason, SpendLimitReached } from "../../src/claude/ClaudeError.ts"
import * as Event from "../../src/claude/Event.ts"
import type { RateLimits } from "../../src/claude/RateLimits.ts"
import type { StreamEvent } from "../../src/claude/StreamEvent.ts"
import * as Batch from "../../src/pipeline/Batch.ts"
import * as RateLimit from "../../src/policy/RateLimit.ts"
import * as Emulator from "../../src/testing/Emulator.ts"
import { firstHalf, message, request, streamStart } from "../fixtures.ts"

describe("on the emulator, three minutes of work", () => {
  for (const [bucket, limits] of [
    ["requests", { requestsPerMinute: 60 }],
    ["inputTokens", { inputTokensPerMinute: 8000 }],
    ["outputTokens", { outputTokensPerMinute: 600 }]
  ] as const) {
    it.effect(`uses all of the limit of ${bucket}, without a refusal`, () =>
      Effect.gen(function* () {
        const { refusals, utilisation } = yield* worked(limits)
        const used = utilisation.find((one) => one.bucket === bucket)
        assert.isAtLeast(used?.share ?? 0, 0.98)
        assert.isTrue(used?.binds)
        assert.strictEqual(refusals, 0)
      })
    )
  }

  it.effect("calls grow slowly under an acceleration limit", () =>
    Effect.gen(function* () {
      const { calls, failures, refusals } = yield* worked({ acceleration: { requests: 100, factor: 2 } })
      assert.strictEqual(failures, 0)
      assert.isAtLeast(calls, 300)
      assert.isAtMost(refusals, 40)
    })
  )

  it.effect("follows limits that are lower than a burst of the first calls", () =>
    Effect.gen(function* () {
      const { failures } = yield* worked({ requestsPerMinute: 4 })
      assert.strictEqual(failures, 0)
    })
  )
})

describe("a call that is refused for its rate", () => {
  it.effect("is sent again after `retry-after`, and the caller sees no failure", () =>
    Effect.gen(function* () {
      const api = answering((call) => (call === 1 ? limited("10 seconds") : undefined))
      const running = yield* create.pipe(Effect.provide(RateLimit.policy()(api.layer)), Effect.forkChild)
      yield* TestClock.adjust("9 seconds")
      assert.deepStrictEqual(api.sent, [0])
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(running)
      assert.deepStrictEqual(api.sent, [0, 10])
    })
  )

  it.effect("closes the gate once for all calls of its group, and of no other", () =>
    Effect.gen(function* () {
      const api = answering((call) => (call <= 3 ? limited("10 seconds", 10) : undefined))
      const other = Claude.use((claude) => claude.create({ ...request, model: "claude-haiku-5-5" }))
      const running = yield* Effect.all(
        [create, create, create, Effect.delay(create, 5000), Effect.delay(other, 5000)],
        {
          concurrency: "unbounded"
        }
      ).pipe(Effect.provide(RateLimit.policy()(api.layer)), Effect.forkChild)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(running)
      assert.deepStrictEqual(api.sent.slice(0, 4), [0, 0, 0, 5])
      assert.strictEqual(api.sent.length, 8)
      for (const at of api.sent.slice(4)) assert.isAtLeast(at, 10)
    })
  )

  it.effect("that was in flight when the gate closed does not keep it closed", () =>
    Effect.gen(function* () {
      const api = answering((call) => (call <= 2 ? limited("10 seconds", call === 2 ? "8 seconds" : 10) : undefined))
      const running = yield* Effect.all([create, create], { concurrency: 2 }).pipe(
        Effect.provide(RateLimit.policy()(api.layer)),
        Effect.forkChild
      )
      yield* TestClock.adjust("30 seconds")
      yield* Fiber.join(running)
      assert.deepStrictEqual(api.sent, [0, 0, 10.01, 10.01])
    })
  )

  it.effect("waits for an increasing time without `retry-after`", () =>
    Effect.gen(function* () {
      const api = answering((call) => (call <= 3 ? limited() : undefined))
      const running = yield* create.pipe(Effect.provide(RateLimit.policy()(api.layer)), Effect.forkChild)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(running)
      assert.deepStrictEqual(api.sent, [0, 1, 3, 7])
    })
  )

  it.effect("in a stream before its first content, is sent again; after it, the stream fails", () =>
    Effect.gen(function* () {
      const streams: Array<Stream.Stream<StreamEvent, ClaudeError>> = [
        Stream.concat(Stream.make(streamStart), Stream.fail(limited("1 second").error)),
        Stream.concat(Stream.make(streamStart, ...firstHalf(message())), Stream.fail(limited("1 second").error))
      ]
      let opened = 0
      const layer = Layer.mock(Claude)({ stream: () => streams[opened++] ?? Stream.empty })
      const read = Stream.unwrap(Claude.useSync((claude) => claude.stream(request)))
      const running = yield* Stream.runCollect(read).pipe(
        Effect.flip,
        Effect.provide(RateLimit.policy()(layer)),
        Effect.forkChild
      )
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(running)).reason._tag, "RateLimited")
      assert.strictEqual(opened, 2)
    })
  )

  it.effect("fails after ten minutes without any answer", () =>
    Effect.gen(function* () {
      const api = answering(() => limited("1 minute"))
      const running = yield* Effect.flip(create).pipe(Effect.provide(RateLimit.policy()(api.layer)), Effect.forkChild)
      yield* TestClock.adjust("15 minutes")
      assert.strictEqual((yield* Fiber.join(running)).reason._tag, "RateLimited")
    })
  )

  it.effect("fails at once if its prompt alone exceeds the limit, again and again", () =>
    Effect.gen(function* () {
      const api = answering(() => limited("1 second", 0, { inputTokens: { limit: 2, remaining: 2 } }))
      const running = yield* Effect.flip(create).pipe(Effect.provide(RateLimit.policy()(api.layer)), Effect.forkChild)
      yield* TestClock.adjust("10 minutes")
      yield* Fiber.join(running)
      assert.strictEqual(api.sent.length, 3)
    })
  )
})

describe("other failures", () => {
  it.effect("pass through, such as a spend limit", () =>
    Effect.gen(function* () {
      const spent = new SpendLimitReached({ detail: "spent", status: 400 })
      const api = answering(() => ({ error: new ClaudeError({ reason: spent }), after: 0 }))
      const error = yield* Effect.flip(create).pipe(Effect.provide(RateLimit.policy()(api.layer)))
      assert.strictEqual(error.reason._tag, "SpendLimitReached")
    })
  )
})

describe("a call that waits", () => {
  it.effect("is reported with what binds, and can be interrupted without holding up others", () =>
    Effect.gen(function* () {
      const events: Array<Event.Event> = []
      const api = answering(() => undefined)
      const layer = RateLimit.policy({ requestsPerMinute: 60 })(api.layer)
      const running = yield* Effect.all([create, create, Effect.timeoutOption(create, 500), create], {
        concurrency: "unbounded"
      }).pipe(
        Event.listen((event) => Effect.sync(() => events.push(event))),
        Effect.provide(layer),
        Effect.forkChild
      )
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(running)
      assert.deepStrictEqual(api.sent, [0, 1, 2])
      const waits = events.flatMap((event) => (event._tag === "call-waited" ? [event] : []))
      assert.deepStrictEqual(
        waits.map((wait) => [wait.for, Duration.toSeconds(wait.duration)]),
        [
          ["rate-limit", 1],
          ["rate-limit", 2]
        ]
      )
      const binds = events.flatMap((event) => (event._tag === "limit-binds" ? [[event.binds, event.limit]] : []))
      assert.deepStrictEqual(
        [binds[0], binds.at(-1)],
        [
          ["requests", 60],
          [undefined, undefined]
        ]
      )
    })
  )

  it.effect("is no longer reported once later calls do not wait", () =>
    Effect.gen(function* () {
      const binds: Array<unknown> = []
      const api = answering(() => undefined, "100 millis")
      const running = yield* Effect.all(
        [
          Effect.all(
            Array.from({ length: 9 }, () => create),
            { concurrency: "unbounded" }
          ),
          Effect.delay(create, "300 millis"),
          Effect.delay(create, "2 seconds")
        ],
        { concurrency: "unbounded" }
      ).pipe(
        Event.listen((event) => Effect.sync(() => void (event._tag === "limit-binds" && binds.push(event.binds)))),
        Effect.provide(RateLimit.policy()(api.layer)),
        Effect.forkChild
      )
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(running)
      assert.deepStrictEqual(binds, ["ramp", undefined])
    })
  )
})

describe("calls that wait", () => {
  it.effect("do not wait longer if the clock of the system is set back", () =>
    Effect.gen(function* () {
      const api = answering(() => undefined)
      const layer = RateLimit.policy({ requestsPerMinute: 60 })(api.layer)
      const calls = Effect.all(
        Array.from({ length: 5 }, () => create),
        { concurrency: "unbounded" }
      )
      const running = yield* calls.pipe(Effect.provide(layer), setBackAfter(2000), Effect.forkChild)
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(running)
      assert.deepStrictEqual(api.sent, [0, 1, 2, 3, 4])
    })
  )

  it.effect("are served in order, so that a large one is not passed by small ones", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const ask = (name: string, characters: number) =>
        Claude.use((claude) =>
          claude.create({ ...request, messages: [{ role: "user", content: "word ".repeat(characters / 5) }] })
        ).pipe(Effect.tap(Effect.sync(() => order.push(name))))
      const layer = RateLimit.policy({ inputTokensPerMinute: 1000 })(answering(() => undefined).layer)
      const running = yield* Effect.all(
        [ask("first", 200), ask("larger than the limit", 9000), ask("small", 100), ask("last", 100)],
        { concurrency: "unbounded" }
      ).pipe(Effect.provide(layer), Effect.forkChild)
      yield* TestClock.adjust("10 minutes")
      yield* Fiber.join(running)
      assert.deepStrictEqual(order, ["first", "larger than the limit", "small", "last"])
    })
  )
})

describe("answers without limits", () => {
  it.effect("let ever more calls in flight", () =>
    Effect.gen(function* () {
      const api = answering(() => undefined, "1 second")
      const running = yield* Effect.all(
        Array.from({ length: 100 }, () => create),
        { concurrency: "unbounded" }
      ).pipe(Effect.provide(RateLimit.policy()(api.layer)), Effect.forkChild)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(running)
      assert.deepStrictEqual(
        [0, 1, 2, 3].map((second) => api.sent.filter((at) => at === second).length),
        [8, 16, 49, 27]
      )
    })
  )
})

describe("the metric of the utilisation", () => {
  it.effect("is the share of each limit that the calls of the last minute used", () =>
    Effect.gen(function* () {
      const api = answering(() => undefined)
      const calls = Effect.forEach(Array.from({ length: 31 }), () => Effect.andThen(Effect.sleep("1 second"), create))
      const running = yield* calls.pipe(
        Effect.provide(RateLimit.policy({ requestsPerMinute: 100 })(api.layer)),
        Effect.forkChild
      )
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(running)
      const attributes = {
        unit: "1",
        "effect_claude.limit_group": "claude-sonnet-5",
        "effect_claude.limit": "requests"
      }
      const found = (yield* Metric.snapshot).map(({ attributes, id, state }) => ({ id, attributes, state }))
      assert.deepStrictEqual(found, [{ id: "effect_claude.rate_limit.utilisation", attributes, state: { value: 0.3 } }])
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})

describe("a handle", () => {
  it.effect("shares its limits between layers", () =>
    Effect.gen(function* () {
      const limits = yield* RateLimit.make({ requestsPerMinute: 60 })
      const api = answering(() => undefined)
      const one = Effect.provide(create, RateLimit.policy(limits)(api.layer))
      const other = Effect.provide(create, RateLimit.policy(limits)(api.layer))
      const running = yield* Effect.forkChild(Effect.all([one, other], { concurrency: 2 }))
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(running)
      assert.deepStrictEqual(api.sent, [0, 1])
      const [requests] = yield* limits.utilisation
      assert.deepInclude(requests, { group: "claude-sonnet-5", bucket: "requests", limit: 60, used: 2 })
    })
  )
})

// Builders

/** Sets the date of the clock back by an hour after this time. Its monotonic time continues. */
const setBackAfter =
  (milliseconds: number) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.clockWith((clock) => {
      const date = () => {
        const now = clock.currentTimeMillisUnsafe()
        return now < milliseconds ? now : now - 3_600_000
      }
      return Effect.provideService(effect, Clock.Clock, {
        currentTimeMillisUnsafe: date,
        currentTimeMillis: Effect.sync(date),
        currentTimeNanosUnsafe: () => BigInt(date()) * 1_000_000n,
        currentTimeNanos: Effect.sync(() => BigInt(date()) * 1_000_000n),
        monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
        monotonicTimeNanos: clock.monotonicTimeNanos,
        sleep: (duration) => clock.sleep(duration)
      })
    })

const create = Claude.use((claude) => claude.create(request))

/** A refusal, after this time, with these headers. */
const limited = (retryAfter?: Duration.Input, after: Duration.Input = 0, rateLimits?: RateLimits) => {
  const reason: Reason = new RateLimited({
    detail: "slow down",
    status: 429,
    ...(retryAfter !== undefined && { retryAfter: Duration.fromInputUnsafe(retryAfter) }),
    ...(rateLimits && { rateLimits })
  })
  return { error: new ClaudeError({ reason }), after }
}

/** An API whose n-th call (from 1) fails as the function says. `sent` has the seconds at which calls were sent. */
const answering = (
  failure: (call: number) => { readonly error: ClaudeError; readonly after: Duration.Input } | undefined,
  latency: Duration.Input = 0
) => {
  const sent: Array<number> = []
  const answer = Effect.suspend(() => {
    const failed = failure(sent.length)
    const reply = { message: message(), requestId: "req_1", origin: "api", rateLimits: undefined } as const
    return failed === undefined
      ? Effect.delay(Effect.succeed(reply), latency)
      : Effect.delay(Effect.fail(failed.error), failed.after)
  })
  const note = Effect.map(Clock.monotonicTimeNanos, (now) => sent.push(Number(now) / 1e9))
  return { sent, layer: Layer.mock(Claude)({ create: () => Effect.andThen(note, answer) }) }
}

/** Rows of mixed sizes on an emulator with these limits, for more than three minutes. */
const worked = Effect.fnUntraced(function* (limits: NonNullable<Emulator.Options["limits"]>) {
  const handle = yield* RateLimit.make()
  let refusals = 0
  let failures = 0
  let calls = 0
  const ask = (row: number) =>
    Claude.use((claude) =>
      claude.create({
        ...request,
        max_tokens: 4096,
        messages: [{ role: "user", content: "A sentence of some words. ".repeat(1 + ((row * 7) % 40)) }]
      })
    ).pipe(Effect.tapError(() => Effect.sync(() => (failures += 1))))
  const layer = Emulator.layer({ latency: "1500 millis", limits }).pipe(RateLimit.policy(handle))
  yield* Effect.forkChild(
    Batch.map(
      Array.from({ length: 10_000 }, (_, row) => row),
      ask,
      { concurrency: 32 }
    ).pipe(
      Event.listen((event) =>
        Effect.sync(
          () => ((refusals += event._tag === "call-failed" ? 1 : 0), (calls += event._tag === "call-finished" ? 1 : 0))
        )
      ),
      Effect.provide(layer)
    )
  )
  yield* TestClock.adjust("190 seconds")
  return { calls, refusals, failures, utilisation: yield* handle.utilisation }
})
