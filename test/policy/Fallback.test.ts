import { assert, describe, it } from "@effect/vitest"
import Anthropic from "@anthropic-ai/sdk"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as AnthropicClient from "../../src/claude/AnthropicClient.ts"
import * as Api from "../../src/claude/Api.ts"
import { Claude } from "../../src/claude/Claude.ts"
import {
  CassetteMiss,
  type ClaudeError,
  ConnectionFailed,
  InvalidRequest,
  NotFound,
  Overloaded,
  RateLimited,
  type Reason,
  ServerFailed,
  TimedOut
} from "../../src/claude/ClaudeError.ts"
import * as Event from "../../src/claude/Event.ts"
import * as Replay from "../../src/claude/Replay.ts"
import { text } from "../../src/claude/Reply.ts"
import type { Request } from "../../src/claude/Request.ts"
import * as Fallback from "../../src/policy/Fallback.ts"
import * as ResponseCache from "../../src/policy/ResponseCache.ts"
import * as Retry from "../../src/policy/Retry.ts"
import * as Telemetry from "../../src/policy/Telemetry.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"
import { message, request } from "../fixtures.ts"
import { asRow, makeStore } from "../pipeline/rows.ts"

describe.each(["create", "stream"] as const)("%s", (kind) => {
  const ask = Effect.suspend(() => (kind === "create" ? create : streamed))

  it.effect("returns the answer of the first model, unmarked, if it answers", () =>
    Effect.gen(function* () {
      const layer = answering("Hello.", "unused").pipe(Fallback.policy([sonnet]))
      const reply = yield* Effect.provide(ask, layer)
      assert.deepStrictEqual([reply.message.model, text(reply.message), reply.fallback], [opus, "Hello.", undefined])
    })
  )

  it.effect.each<[string, Reason]>([
    ["an overloaded model", new Overloaded({ detail: "later" })],
    ["a failing server", new ServerFailed({ detail: "oops" })],
    ["a time-out", new TimedOut({ detail: "slow" })],
    ["a lost connection", new ConnectionFailed({ detail: "gone" })],
    ["a rate limit", new RateLimited({ detail: "slow down" })],
    ["a retired model", new NotFound({ detail: "model: claude-opus-5-5" })]
  ])("asks the next model after %s; the reply and the events name it", ([, reason]) =>
    Effect.gen(function* () {
      const { events, exit } = yield* observed(ask, answering(reason, "Hello.").pipe(Fallback.policy([sonnet])))
      const reply = yield* exit
      assert.deepStrictEqual([reply.message.model, text(reply.message), reply.fallback], [sonnet.model, "Hello.", true])
      assert.deepStrictEqual(summary(events), [
        ["call-sent", opus],
        ["call-failed", opus],
        ["call-fell-back", opus, sonnet.model, reason._tag],
        ["call-sent", sonnet.model],
        ["call-finished", sonnet.model]
      ])
    })
  )

  it.effect.each<[string, Reason]>([
    ["an invalid request", new InvalidRequest({ detail: "no" })],
    ["a missing recording", new CassetteMiss({ detail: "not recorded" })],
    ["a missing file", new NotFound({ detail: "file_1 was not found" })]
  ])("does not fall back after %s", ([, reason]) =>
    Effect.gen(function* () {
      const layer = answering(reason, "unused").pipe(Fallback.policy([sonnet]))
      const error = yield* Effect.flip(Effect.provide(ask, layer))
      assert.strictEqual(error.reason, reason)
    })
  )

  it.effect("falls back for the reasons of `on` only", () =>
    Effect.gen(function* () {
      const invalid = new InvalidRequest({ detail: "unsupported" })
      const layer = answering(invalid, "Hello.").pipe(Fallback.policy([sonnet], { on: ["InvalidRequest"] }))
      assert.strictEqual((yield* Effect.provide(ask, layer)).message.model, sonnet.model)
      const busy = answering(overloaded, "unused").pipe(Fallback.policy([sonnet], { on: ["InvalidRequest"] }))
      assert.strictEqual((yield* Effect.flip(Effect.provide(ask, busy))).reason, overloaded)
    })
  )

  it.effect("asks the models in order, and fails as the last one", () =>
    Effect.gen(function* () {
      const last = new ServerFailed({ detail: "oops" })
      const layer = TestClaude.layer(
        when(opus, overloaded),
        when(sonnet.model, overloaded),
        when(haiku.model, last)
      ).pipe(Fallback.policy([sonnet, haiku]))
      const { events, exit } = yield* observed(ask, layer)
      assert.strictEqual(errorOf(exit)?.reason, last)
      assert.deepStrictEqual(
        events.flatMap((event) => (event._tag === "call-sent" ? [event.model] : [])),
        [opus, sonnet.model, haiku.model]
      )
    })
  )

  it.effect("does not ask the requested model twice", () =>
    Effect.gen(function* () {
      const layer = answering(overloaded, "Hello.").pipe(Fallback.policy([{ model: opus }, sonnet]))
      const { events } = yield* observed(ask, layer)
      assert.strictEqual(events.filter(({ _tag }) => _tag === "call-sent").length, 2)
    })
  )

  it.effect("falls back after the repeats of Retry", () =>
    Effect.gen(function* () {
      const layer = answering(overloaded, "Hello.").pipe(Retry.policy(Schedule.recurs(2)), Fallback.policy([sonnet]))
      const { events } = yield* observed(ask, layer)
      assert.deepStrictEqual(
        events.flatMap((event) => (event._tag === "call-sent" ? [event.model] : [])),
        [opus, opus, opus, sonnet.model]
      )
    })
  )

  it.effect("asks another client, with its own policies", () =>
    Effect.gen(function* () {
      const other = answering(overloaded, "unused", "Hello from elsewhere.").pipe(Retry.policy(Schedule.recurs(1)))
      const target = { model: "claude-elsewhere", claude: other }
      const layer = answering(overloaded, "unused").pipe(Fallback.policy([target]))
      const reply = yield* Effect.provide(ask, layer)
      assert.strictEqual(text(reply.message), "Hello from elsewhere.")
    })
  )

  it.effect("is not stored by a cache, even if the fallback is the same model elsewhere (law 8)", () =>
    Effect.gen(function* () {
      let asked = 0
      const elsewhere = TestClaude.layer(() => `answer ${++asked} of another client`)
      const target = { model: opus, claude: elsewhere }
      for (const targets of [[sonnet], [target]]) {
        const layer = Layer.provide(
          answering(overloaded, "Hello.").pipe(Fallback.policy(targets), ResponseCache.policy()),
          ResponseCache.layerMemory()
        )
        const twice = Effect.all([ask, ask]).pipe(Effect.provide(layer))
        assert.deepStrictEqual(
          (yield* twice).map(({ origin }) => origin),
          ["api", "api"]
        )
      }
      assert.strictEqual(asked, 2)
    })
  )

  it.effect("ends with its caller, also while a fallback is asked", () =>
    Effect.gen(function* () {
      const layer = answering(overloaded, Effect.never).pipe(Fallback.policy([sonnet]))
      const running = yield* Effect.forkChild(observed(Effect.timeoutOption(ask, "1 second"), layer))
      yield* TestClock.adjust("1 second")
      const { events } = yield* Fiber.join(running)
      assert.deepStrictEqual(summary(events).slice(-2), [
        ["call-sent", sonnet.model],
        ["call-interrupted", sonnet.model]
      ])
    })
  )

  it.effect("is stored by a job under the request of the program, and replayed without a call", () =>
    Effect.gen(function* () {
      const run = asRow(makeStore())(ask)
      const first = yield* run
      const second = yield* run
      assert.deepStrictEqual([first.origin, second.origin], ["api", "journal"])
      assert.deepStrictEqual(second.message, first.message)
      assert.strictEqual(second.message.model, sonnet.model)
      assert.lengthOf(yield* TestClaude.calls, 2)
    }).pipe(Effect.provide(answering(overloaded, "Hello.").pipe(Fallback.policy([sonnet]))))
  )

  it.effect("is named by the span of the call: the model that answered, and why", () =>
    Effect.gen(function* () {
      yield* ask
      const spans = yield* Effect.flatten(Telemetry.Spans)
      assert.deepStrictEqual(
        spans.map(({ name, attributes }) => [name, attributes.get("gen_ai.request.model")]),
        [
          [`chat ${opus}`, opus],
          ["attempt 1", opus],
          ["attempt 2", sonnet.model],
          ...(kind === "stream" ? [["stream", undefined]] : [])
        ]
      )
      const attributes = spans[0]?.attributes
      assert.strictEqual(attributes?.get("gen_ai.response.model"), sonnet.model)
      assert.strictEqual(attributes?.get("effect_claude.fallback.model"), sonnet.model)
      assert.strictEqual(attributes?.get("effect_claude.fallback.error"), "Overloaded")
    }).pipe(
      Effect.provide(
        answering(overloaded, "Hello.").pipe(
          Fallback.policy([sonnet]),
          Telemetry.policy(),
          Layer.provideMerge(Telemetry.layerSpans)
        )
      )
    )
  )

  it.effect("returns a refusal as an answer, unless `on` has it; then another model answers", () =>
    Effect.gen(function* () {
      const refused = answering(refusal, "Hello.")
      const plain = yield* Effect.provide(ask, refused.pipe(Fallback.policy([sonnet])))
      assert.strictEqual(plain.message.stop_reason, "refusal")
      const { events, exit } = yield* observed(ask, refused.pipe(Fallback.policy([sonnet], { on: ["Refused"] })))
      assert.strictEqual(text((yield* exit).message), "Hello.")
      const [fellBack] = events.flatMap((event) => (event._tag === "call-fell-back" ? [event.error.reason] : []))
      assert.isTrue(fellBack?._tag === "Refused" && fellBack.category === "cyber")
    })
  )

  it.effect("returns the refusal of the last model as its answer", () =>
    Effect.gen(function* () {
      const layer = answering(refusal, refusal).pipe(Fallback.policy([sonnet], { on: ["Refused"] }))
      const { message } = yield* Effect.provide(ask, layer)
      assert.deepStrictEqual([message.stop_reason, message.model], ["refusal", sonnet.model])
    })
  )
})

describe("a circuit", () => {
  it.effect("opens after 5 consecutive failures: the next model is asked at once, and one call tries again later", () =>
    Effect.gen(function* () {
      let isDown = true
      const layer = TestClaude.layer(
        TestClaude.when(
          ({ model }) => model === opus,
          () => (isDown ? overloaded : "Hello.")
        ),
        when(sonnet.model, "Hello from Sonnet.")
      ).pipe(Fallback.policy([sonnet]))
      const context = yield* Layer.build(layer)
      const ask = Effect.map(Effect.provideContext(observing(create), context), ({ events }) => summary(events))
      for (let call = 0; call < 5; call++) assert.strictEqual((yield* ask).length, 5)
      assert.deepStrictEqual(yield* ask, [
        ["call-fell-back", opus, sonnet.model, "CircuitOpen"],
        ["call-sent", sonnet.model],
        ["call-finished", sonnet.model]
      ])
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual((yield* ask).length, 5, "one call tries again, and fails")
      yield* TestClock.adjust("29 seconds")
      assert.strictEqual((yield* ask).length, 3, "the wait has doubled")
      yield* TestClock.adjust("1 seconds")
      isDown = false
      for (let call = 0; call < 2; call++) {
        assert.deepStrictEqual(yield* ask, [
          ["call-sent", opus],
          ["call-finished", opus]
        ])
      }
    }).pipe(Effect.scoped)
  )

  it.effect("lets only one call try the model again", () =>
    Effect.gen(function* () {
      let delay = Effect.fail(overloaded).pipe(Effect.as(""))
      const layer = TestClaude.layer(
        TestClaude.when(
          ({ model }) => model === opus,
          () => Effect.suspend(() => delay)
        ),
        when(sonnet.model, "Hello.")
      ).pipe(Fallback.policy([sonnet]))
      const context = yield* Layer.build(layer)
      const ask = Effect.map(Effect.provideContext(create, context), ({ message }) => message.model)
      for (let call = 0; call < 5; call++) yield* ask
      delay = Effect.delay(Effect.succeed("Hello."), "10 seconds")
      yield* TestClock.adjust("15 seconds")
      const both = yield* Effect.forkChild(Effect.all([ask, ask], { concurrency: 2 }))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* Fiber.join(both), [opus, sonnet.model])
    }).pipe(Effect.scoped)
  )

  it.effect("fails with CircuitOpen if every circuit is open, and says how long", () =>
    Effect.gen(function* () {
      const layer = answering(overloaded, overloaded).pipe(Fallback.policy([sonnet]))
      const context = yield* Layer.build(layer)
      const ask = Effect.flip(Effect.provideContext(create, context))
      for (let call = 0; call < 5; call++) assert.strictEqual((yield* ask).reason, overloaded)
      const { isRetryable, message, reason } = yield* ask
      assert.strictEqual(reason._tag, "CircuitOpen")
      assert.strictEqual(Duration.toMillis(reason.retryAfter ?? Duration.zero), 15_000)
      assert.isTrue(isRetryable)
      assert.strictEqual(
        message,
        "CircuitOpen: the last calls to claude-opus-5-5 failed, so it is not asked; try again in 15s, or add another fallback"
      )
    }).pipe(Effect.scoped)
  )

  it.effect("stays open for retry-after", () =>
    Effect.gen(function* () {
      const limited = new RateLimited({ detail: "slow down", retryAfter: Duration.minutes(2) })
      const layer = answering(limited, "Hello.").pipe(Fallback.policy([sonnet]))
      const context = yield* Layer.build(layer)
      const ask = Effect.map(Effect.provideContext(observing(create), context), ({ events }) => events.length)
      for (let call = 0; call < 5; call++) yield* ask
      yield* TestClock.adjust("119 seconds")
      assert.strictEqual(yield* ask, 3)
    }).pipe(Effect.scoped)
  )

  it.effect("does not open for requests that the model refuses, nor for calls that are interrupted", () =>
    Effect.gen(function* () {
      const invalid = new InvalidRequest({ detail: "no" })
      const layer = TestClaude.layer(
        TestClaude.when(({ model, max_tokens }) => model === opus && max_tokens === 1, Effect.never),
        when(opus, invalid),
        when(sonnet.model, "Hello.")
      ).pipe(Fallback.policy([sonnet], { on: ["InvalidRequest"] }))
      const context = yield* Layer.build(layer)
      const ask = Effect.map(Effect.provideContext(observing(create), context), ({ events }) => events.length)
      const hanging = Claude.use((claude) => claude.create({ ...asked, max_tokens: 1 }))
      for (let call = 0; call < 6; call++) {
        yield* Effect.timeoutOption(Effect.provideContext(hanging, context), "1 millis").pipe(
          Effect.forkChild,
          Effect.tap(TestClock.adjust("1 millis")),
          Effect.flatMap(Fiber.join)
        )
        assert.strictEqual(yield* ask, 5)
      }
    }).pipe(Effect.scoped)
  )
})

describe("a stream", () => {
  it.effect("does not fall back after its first content: the reader keeps it, and the stream fails", () =>
    Effect.gen(function* () {
      const cut = Stream.concat(Stream.make("Hello, "), Stream.fail(overloaded))
      const layer = answering(cut, "unused").pipe(Fallback.policy([sonnet]))
      let seen = ""
      const reading = Stream.runForEach(stream, (event) =>
        Effect.sync(() => {
          if (event.type === "content_block_delta" && event.delta.type === "text_delta") seen += event.delta.text
        })
      )
      const error = yield* Effect.flip(Effect.provide(reading, layer))
      assert.deepStrictEqual([seen, error.reason], ["Hello, ", overloaded])
    })
  )

  it.effect("keeps a refusal that comes after content, also where `on` has refusals", () =>
    Effect.gen(function* () {
      const late = message({ model: opus, content: ["Well, "], stop_reason: "refusal" })
      const layer = answering(late, "unused").pipe(Fallback.policy([sonnet], { on: ["Refused"] }))
      const reply = yield* Effect.provide(streamed, layer)
      assert.deepStrictEqual([reply.message.stop_reason, reply.message.model], ["refusal", opus])
    })
  )
})

it.effect("builds a client of its own for each fallback, although both use the constant `Claude.layer`", () =>
  Effect.gen(function* () {
    const hosts: Array<string> = []
    const client = (host: string) =>
      AnthropicClient.layerFrom(
        new Anthropic({
          apiKey: "key",
          baseURL: `http://${host}.invalid`,
          fetch: (input) => {
            hosts.push(new URL(String(input)).hostname)
            const error = { type: "error", error: { type: "overloaded_error", message: "busy" } }
            return Promise.resolve(Response.json(error, { status: 529 }))
          }
        })
      )
    const layer = Api.layer.pipe(
      Layer.provide(client("first")),
      Fallback.policy([{ model: opus, claude: Api.layer.pipe(Layer.provide(client("second"))) }])
    )
    assert.strictEqual((yield* Effect.flip(Effect.provide(create, layer))).reason._tag, "Overloaded")
    assert.deepStrictEqual(hosts, ["first.invalid", "second.invalid"])
  })
)

it.effect("counts tokens with the requested model, and keeps the capacity", () =>
  Effect.gen(function* () {
    const layer = answering("unused", "unused").pipe(Fallback.policy([sonnet]))
    const context = yield* Layer.build(layer)
    const claude = Context.get(context, Claude)
    assert.strictEqual(yield* claude.capacity, 64)
    assert.isAbove(yield* claude.countTokens(asked), 0)
  }).pipe(Effect.scoped)
)

// Builders

const opus = "claude-opus-5-5"
const sonnet = { model: "claude-sonnet-5-5" } as const
const haiku = { model: "claude-haiku-5-5" } as const
const asked: Request = { ...request, model: opus }
const overloaded = new Overloaded({ detail: "later" })
const refusal = message({
  content: [],
  stop_reason: "refusal",
  stop_details: { type: "refusal", category: "cyber", explanation: null }
})

const create = Claude.use((claude) => claude.create(asked))
const stream = Stream.unwrap(Claude.useSync((claude) => claude.stream(asked)))

const streamed = Claude.use((claude) => Replay.toReply(claude.stream(asked))).pipe(
  Effect.flatMap(Effect.fromNullishOr),
  Effect.catchTag("NoSuchElementError", Effect.die)
)

const when = (model: string, reply: TestClaude.Given) => TestClaude.when((request) => request.model === model, reply)

/** Answers of Opus, Sonnet, and any other model. */
const answering = (first: TestClaude.Given, second: TestClaude.Given, other: TestClaude.Given = "unused") =>
  TestClaude.layer(when(opus, first), when(sonnet.model, second), other)

const observing = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const events: Array<Event.Event> = []
    const listen = Event.listen((event) => Effect.sync(() => events.push(event)))
    return Effect.map(Effect.exit(listen(effect)), (exit) => ({ events, exit }))
  })

const observed = <A, E, E2, R>(effect: Effect.Effect<A, E, Claude>, layer: Layer.Layer<Claude, E2, R>) =>
  Effect.provide(observing(effect), layer)

/** The events without those of first tokens. */
const summary = (events: ReadonlyArray<Event.Event>): ReadonlyArray<ReadonlyArray<string>> =>
  events.flatMap((event) => {
    if (event._tag === "call-fell-back") return [[event._tag, event.model, event.to, event.error.reason._tag]]
    return "model" in event && event._tag !== "call-first-token" ? [[event._tag, event.model]] : []
  })

const errorOf = (exit: Exit.Exit<unknown, ClaudeError>) =>
  Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined
