import { createServer } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as AnthropicClient from "../../src/claude/AnthropicClient.ts"
import * as Api from "../../src/claude/Api.ts"
import { Claude } from "../../src/claude/Claude.ts"
import { ClaudeError, Overloaded, type Reason } from "../../src/claude/ClaudeError.ts"
import * as Event from "../../src/claude/Event.ts"
import * as Replay from "../../src/claude/Replay.ts"
import { text } from "../../src/claude/Reply.ts"
import type { Request } from "../../src/claude/Request.ts"
import { fromMessage } from "../../src/claude/StreamEvent.ts"
import * as Concurrency from "../../src/policy/Concurrency.ts"
import * as Hedge from "../../src/policy/Hedge.ts"
import * as Retry from "../../src/policy/Retry.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"
import { settingBack } from "../clocks.ts"
import { message, request, sse } from "../fixtures.ts"
import { asRow, makeStore } from "../pipeline/rows.ts"

describe.each(["create", "stream"] as const)("%s", (kind) => {
  it.effect("is sent a second time when it is slower than 95 % of the last answers; the first answer wins", () =>
    Effect.gen(function* () {
      const { ask, events, learn } = yield* world(kind)
      yield* learn
      const { took, words } = yield* ask(60, 2)
      assert.deepStrictEqual([words, took], ["after 2 s", 3.001])
      assert.deepStrictEqual(events(), [
        "call-sent 21",
        "call-hedged after 1.001 s",
        "call-sent 22",
        // A stream has won with its first content, before it ends.
        ...(kind === "stream"
          ? ["call-interrupted 21", "call-finished 22"]
          : ["call-finished 22", "call-interrupted 21"])
      ])
    }).pipe(live)
  )

  it.effect("keeps its first answer if that comes first after all; the second request is cancelled", () =>
    Effect.gen(function* () {
      const { ask, events, learn } = yield* world(kind)
      yield* learn
      const { took, words } = yield* ask(2, 60)
      assert.deepStrictEqual([words, took], ["after 2 s", 2])
      assert.includeMembers([...events()], ["call-finished 21", "call-interrupted 22"])
    }).pipe(live)
  )

  it.effect("is sent once before 20 answers are known, and while too many calls were sent twice", () =>
    Effect.gen(function* () {
      const { ask, events, learn } = yield* world(kind)
      yield* ask(60)
      assert.lengthOf(events(), 2)
      yield* learn
      yield* ask(60, 2)
      assert.lengthOf(events(), 5)
      yield* ask(60)
      assert.lengthOf(events(), 2)
    }).pipe(live)
  )

  it.effect("is late after the same time if the clock is set back meanwhile", () =>
    Effect.gen(function* () {
      const { ask, events, learn } = yield* world(kind)
      yield* learn
      const { words } = yield* settingBack("1 hour", ask(60, 2))
      assert.strictEqual(words, "after 2 s")
      assert.include(events(), "call-hedged after 1.001 s")
    }).pipe(live)
  )

  it.effect("is not late while it waits for a permit or for a repeat", () =>
    Effect.gen(function* () {
      const { ask, events, learn } = yield* world(kind, (claude) =>
        claude.pipe(Concurrency.policy(1), Retry.policy(Schedule.spaced("30 seconds")))
      )
      yield* learn
      const both = yield* Effect.all([ask(1), ask(1)], { concurrency: 2 })
      assert.sameMembers(
        both.map(({ took }) => took),
        [1, 2]
      )
      assert.lengthOf(events(), 4)
      assert.strictEqual((yield* ask(overloaded, 1)).took, 31)
      assert.deepStrictEqual(events(), [
        "call-sent 23",
        "call-failed 23",
        "call-retried",
        "call-sent 24",
        "call-finished 24"
      ])
    }).pipe(live)
  )

  it.effect("is not sent a second time if its answer comes while that request waits for a permit", () =>
    Effect.gen(function* () {
      const { ask, events, learn } = yield* world(kind, Concurrency.policy(1))
      yield* learn
      assert.strictEqual((yield* ask(5)).took, 5)
      assert.deepStrictEqual(events(), ["call-sent 21", "call-finished 21"])
      // The request that was not sent is not counted as one.
      yield* Effect.forEach([5, 5, 5], (seconds) => ask(seconds))
    }).pipe(live)
  )

  it.effect("may be sent twice where an earlier second request waited for a permit and was not sent", () =>
    Effect.gen(function* () {
      const permits = yield* Concurrency.make(1)
      const { ask, events, learn } = yield* world(kind, Concurrency.policy(permits))
      yield* learn
      yield* ask(5)
      assert.notInclude(events().join(), "call-hedged")
      yield* Concurrency.resize(permits, 2)
      assert.strictEqual((yield* ask(60, 2)).words, "after 2 s")
    }).pipe(live)
  )

  it.effect("survives the failure of one of its requests", () =>
    Effect.gen(function* () {
      const { ask, learn } = yield* world(kind)
      yield* learn
      assert.strictEqual((yield* ask(5, overloaded)).words, "after 5 s")
      yield* learn
      assert.strictEqual((yield* ask(failingAfter(2), 9)).words, "after 9 s")
      yield* learn
      const failed = yield* Effect.exit(ask(failingAfter(2), overloaded))
      assert.isTrue(Exit.isFailure(failed))
    }).pipe(live)
  )

  it.effect("closes both requests when it is interrupted, and leaves no fiber", () =>
    Effect.gen(function* () {
      const { ask, events, learn } = yield* world(kind)
      yield* learn
      const running = yield* Effect.forkChild(ask(60, 60))
      yield* Effect.sleep("10 seconds")
      yield* Fiber.interrupt(running)
      assert.sameMembers([...events()].slice(-2), ["call-interrupted 21", "call-interrupted 22"])
      yield* Effect.sleep("5 minutes")
      assert.deepStrictEqual(events(), [])
    }).pipe(live)
  )

  it.effect("is one call of a job: its reply is stored once, and replayed", () =>
    Effect.gen(function* () {
      const { learn, through } = yield* world(kind)
      yield* learn
      const store = makeStore()
      const first = yield* through(asRow(store))(request, 60, 2)
      const second = yield* through(asRow(store))(request)
      assert.deepStrictEqual([first.words, second.words], ["after 2 s", "after 2 s"])
      assert.strictEqual(store.replies.size, 1)
    }).pipe(live)
  )

  it.effect("is never sent twice if it changes something on a server", () =>
    Effect.gen(function* () {
      const { events, learn, through } = yield* world(kind)
      const mcp = { type: "url", name: "shop", url: "https://example.com" } as const
      for (const change of [{ container: "c_1" }, { mcp_servers: [mcp] }]) {
        yield* learn
        assert.strictEqual((yield* through(identity)({ ...request, ...change }, 60)).took, 60)
        assert.lengthOf(events(), 2)
      }
    }).pipe(live)
  )
})

describe("over real sockets", () => {
  it.live.each([
    ["create", JSON.stringify(message()), "application/json"],
    ["stream", sse(fromMessage(message())), "text/event-stream"]
  ] as const)("%s closes the connection of the request that loses", ([kind, body, type]) =>
    Effect.gen(function* () {
      const closed = yield* Deferred.make<boolean>()
      let arrived = 0
      const server = createServer((incoming, response) => {
        incoming.resume()
        arrived += 1
        if (arrived === 21)
          response.on("close", () => Deferred.doneUnsafe(closed, Effect.succeed(response.writableEnded)))
        else response.writeHead(200, { "content-type": type }).end(body)
      })
      yield* Effect.acquireRelease(
        Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
        () => Effect.sync(() => server.close().closeAllConnections())
      )
      const address = server.address()
      const port = Predicate.isObject(address) ? address.port : 0
      const client = AnthropicClient.layer({ apiKey: Redacted.make("key"), baseURL: `http://127.0.0.1:${port}` })
      const context = yield* Layer.build(Api.layer.pipe(Layer.provide(client), Hedge.policy({ percentile: 1 })))
      yield* Effect.repeat(asked(kind, request), { times: 20 }).pipe(Effect.provideContext(context))
      assert.isFalse(yield* Deferred.await(closed))
      assert.strictEqual(arrived, 22)
    }).pipe(Effect.scoped)
  )
})

describe("any calls", () => {
  const Call = Schema.Struct({
    /** Seconds until the answer of the first request, and of the second. */
    first: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 })),
    second: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 })),
    /** Seconds until the caller leaves; 0 if it stays. */
    patience: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10 })),
    kind: Schema.Literals(["create", "stream"])
  })

  it.effect.prop(
    "are answered no later than by their first request, no more than a share is sent twice, and every request ends",
    [Schema.Array(Call).check(Schema.isMaxLength(30)), Schema.Literals([0.05, 0.25, 1])],
    ([calls, maxExtra]) =>
      Effect.gen(function* () {
        const open = new Set<number>()
        let hedged = 0
        const listen = Event.listen((event) =>
          Effect.sync(() => {
            if (event._tag === "call-hedged") hedged += 1
            else if (event._tag === "call-sent") open.add(event.attempt)
            else if ("attempt" in event && event._tag !== "call-first-token") open.delete(event.attempt)
          })
        )
        const asks = new Map<string, number>()
        const layer = TestClaude.layer((request) => {
          const prompt = TestClaude.promptText(request)
          const call = calls[Number(prompt)]
          const earlier = asks.get(prompt) ?? 0
          asks.set(prompt, earlier + 1)
          return answerOf(call === undefined ? 1 : earlier === 0 ? call.first : call.second)
        }).pipe(Hedge.policy({ maxExtra, percentile: 0.8 }))
        const context = yield* Layer.build(layer)
        const ask = (kind: "create" | "stream", prompt: string) =>
          asked(kind, { ...request, messages: [{ role: "user", content: prompt }] }).pipe(
            Effect.provideContext(context)
          )
        for (const kind of ["create", "stream"] as const) {
          yield* Effect.forEach(Array.from({ length: 20 }), () => ask(kind, "learn"), { concurrency: 20 })
        }
        const took = yield* Effect.forEach(
          calls,
          Effect.fnUntraced(function* ({ kind, patience }, index) {
            const since = yield* Clock.currentTimeMillis
            yield* Effect.timeoutOption(
              ask(kind, String(index)),
              patience === 0 ? "1 hour" : Duration.seconds(patience)
            )
            return ((yield* Clock.currentTimeMillis) - since) / 1000
          }),
          { concurrency: 8 }
        ).pipe(listen)
        for (const [index, seconds] of took.entries()) assert.isAtMost(seconds, calls[index]?.first ?? 0)
        assert.isAtMost(hedged, maxExtra * (40 + calls.length))
        assert.strictEqual(open.size, 0)
      }).pipe(live),
    { arbitrary: { runs: 30 } }
  )
})

// Builders

const overloaded = new Overloaded({ detail: "later" })

/** A number of seconds until the answer, or how the call fails. */
type Answer = number | Reason | Effect.Effect<string, ClaudeError>

const answerOf = (answer: Answer): TestClaude.Given =>
  typeof answer === "number" ? Effect.delay(Effect.succeed(`after ${answer} s`), Duration.seconds(answer)) : answer

const failingAfter = (seconds: number): Effect.Effect<string, ClaudeError> =>
  Effect.delay(Effect.fail(new ClaudeError({ reason: overloaded })), Duration.seconds(seconds))

type Policy = (claude: Layer.Layer<Claude>) => Layer.Layer<Claude>

const asked = (kind: "create" | "stream", request: Request) =>
  Claude.use(({ create, stream }) => (kind === "create" ? create(request) : Replay.toReply(stream(request))))

/** A hedged Claude whose requests get the given answers, in order of arrival, and the events of its calls. */
const world = Effect.fnUntraced(function* (kind: "create" | "stream", below: Policy = (claude) => claude) {
  const answers: Array<Answer> = []
  const fake: Layer.Layer<Claude> = TestClaude.layer(() => answerOf(answers.shift() ?? 1))
  const context = yield* Layer.build(below(fake).pipe(Hedge.policy()))
  const numbers = new Map<number, number>()
  let heard: ReadonlyArray<string> = []

  const hear = (event: Event.Event) => {
    if (event._tag === "call-first-token" || event._tag === "call-waited") return
    if (event._tag === "call-sent") numbers.set(event.attempt, numbers.size + 1)
    const after = event._tag === "call-hedged" ? [`after ${Duration.toSeconds(event.after)} s`] : []
    heard = [...heard, [event._tag, ...("attempt" in event ? [numbers.get(event.attempt)] : after)].join(" ")]
  }
  const through =
    (policy: <A, E>(call: Effect.Effect<A, E, Claude>) => Effect.Effect<A, E, Claude>) =>
    (request: Request, ...given: ReadonlyArray<Answer>) =>
      Effect.gen(function* () {
        answers.push(...given)
        const since = yield* Clock.currentTimeMillis
        const reply = yield* policy(asked(kind, request))
        return { took: ((yield* Clock.currentTimeMillis) - since) / 1000, words: reply && text(reply.message) }
      }).pipe(
        Event.listen((event) => Effect.sync(() => hear(event))),
        Effect.provideContext(context)
      )
  const ask = (...given: ReadonlyArray<Answer>) => through(identity)(request, ...given)
  return {
    ask,
    through,
    /** The events since the last time that this was called. */
    events: () => {
      const some = heard
      heard = []
      return some
    },
    /** Twenty answers that take a second each. */
    learn: Effect.repeat(ask(), { times: 19 }).pipe(Effect.andThen(Effect.sync(() => (heard = []))))
  }
})

/** Moves the clock while the test runs. */
const live = <A, E>(test: Effect.Effect<A, E, Scope.Scope>) =>
  Effect.gen(function* () {
    const running = yield* Effect.forkChild(test)
    for (let step = 0; step < 4000 && running.pollUnsafe() === undefined; step++) yield* TestClock.adjust("100 millis")
    return yield* Fiber.join(running)
  }).pipe(Effect.scoped)
