import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Event from "../../src/claude/Event.ts"
import { Claude, wrap } from "../../src/claude/Claude.ts"
import { ClaudeError, InvalidRequest, Overloaded, StreamInterrupted } from "../../src/claude/ClaudeError.ts"
import * as Observe from "../../src/claude/Observe.ts"
import { text } from "../../src/claude/Reply.ts"
import type { StreamEvent } from "../../src/claude/StreamEvent.ts"
import * as Usage from "../../src/claude/Usage.ts"
import * as Watcher from "../../src/claude/Watcher.ts"
import * as Retry from "../../src/policy/Retry.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"
import { firstHalf, message, request } from "../fixtures.ts"

describe("an outcome", () => {
  it.effect("has the cost of all attempts of a call, and the time from the first to the last", () =>
    Effect.gen(function* () {
      const wasted = new StreamInterrupted({ detail: "cut", usage: { ...Usage.zero, input: 5, output: 1 } })
      const { outcomes } = yield* watched(TestClaude.layer([busy, wasted, answer]), create)
      const [{ attempts, cost, duration, exit, facts, length, usage } = none] = outcomes
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual([attempts, Duration.toSeconds(duration), length], [3, 2, 17])
      assert.deepStrictEqual([usage?.input, usage?.output], [15, 21])
      assert.isDefined(cost)
      assert.strictEqual(facts?.requestId, "req_test_3")
    })
  )

  it.effect("has no cost if an answer has no known price", () =>
    Effect.gen(function* () {
      const unpriced = message({ content: ["Hello."], model: "claude-unknown" })
      const { outcomes } = yield* watched(TestClaude.layer([unpriced]), create)
      assert.isUndefined(outcomes[0]?.cost)
      assert.strictEqual(outcomes[0]?.usage?.output, 20)
    })
  )

  it.effect("of a stream has the facts and the message, with its content only on request", () =>
    Effect.gen(function* () {
      for (const content of [false, true]) {
        const { outcomes } = yield* watched(TestClaude.layer([answer]), drained, content)
        const [{ exit, facts, length, message } = none] = outcomes
        assert.isTrue(Exit.isSuccess(exit))
        assert.strictEqual(facts?.requestId, "req_test_1")
        assert.deepStrictEqual(
          [message?.id, message?.stop_reason, message?.usage.output_tokens],
          ["msg_1", "end_turn", 20]
        )
        assert.deepStrictEqual([length, message && text(message)], [17, content ? "Hello, you there." : ""])
      }
    })
  )

  it.effect("of a call that continues for other callers has an unknown cost, and no later events", () =>
    Effect.gen(function* () {
      const detached = wrap((next) =>
        Effect.succeed({
          ...next,
          create: (request) => Effect.flatMap(Effect.forkDetach(next.create(request)), Fiber.join)
        })
      )
      const reply = { message: answer, requestId: "req_1", origin: "api", rateLimits: undefined } as const
      const slow = Layer.mock(Claude)({
        create: (request) => Observe.create(request, Effect.delay(Effect.succeed(reply), "5 seconds"))
      })
      const { outcomes, tags } = yield* watched(detached(slow), Effect.timeoutOption(create, "1 seconds"))
      assert.deepStrictEqual(tags, ["call-sent"])
      assert.deepStrictEqual([outcomes[0]?.attempts, outcomes[0]?.cost], [1, undefined])
    })
  )

  it.effect.each(["stopped", "interrupted"])("of a stream that was %s halfway is one interruption", (how) =>
    Effect.gen(function* () {
      const half = Layer.mock(Claude)({
        stream: (request) => Observe.stream(request, Stream.concat(Stream.fromIterable(halfStream), Stream.never))
      })
      const reading =
        how === "stopped"
          ? Stream.runDrain(Stream.take(stream, halfStream.length))
          : Effect.timeoutOption(drained, "1 seconds")
      const { outcomes, tags } = yield* watched(half, reading)
      assert.lengthOf(outcomes, 1)
      const [{ cost, exit, message } = none] = outcomes
      assert.isUndefined(cost, "the cost is unknown")
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      assert.strictEqual(message?.usage.input_tokens, 10)
      assert.deepStrictEqual(tags, ["call-sent", "call-first-token", "call-interrupted"])
    })
  )

  it.effect("of a stream whose reader fails halfway is an interruption, since the call did not fail", () =>
    Effect.gen(function* () {
      const half = Layer.mock(Claude)({ stream: () => Stream.fromIterable(halfStream) })
      for (const mine of [Effect.fail("mine"), Effect.die("mine")]) {
        const { outcomes } = yield* watched(half, Effect.exit(Stream.runForEach(stream, () => mine)))
        const [{ exit } = none, ...more] = outcomes
        assert.lengthOf(more, 0)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      }
    })
  )

  it.effect("of a stream that fails or dies has its cause", () =>
    Effect.gen(function* () {
      const error = new ClaudeError({ reason: new InvalidRequest({ detail: "no" }) })
      const api = (stream: () => Stream.Stream<StreamEvent, ClaudeError>) => Layer.mock(Claude)({ stream })
      const broken = () => {
        throw new Error("broken")
      }
      const failing = () => Stream.concat(Stream.fromIterable(halfStream), Stream.fail(error))
      const dying = () => Stream.concat(Stream.fromIterable(halfStream), Stream.die("broken"))
      const exits: Array<Exit.Exit<unknown, unknown> | undefined> = []
      for (const stream of [failing, dying, broken]) {
        const { outcomes } = yield* watched(api(stream), Effect.exit(drained))
        exits.push(outcomes[0]?.exit)
      }
      assert.deepStrictEqual(exits, [Exit.fail(error), Exit.die("broken"), Exit.die(new Error("broken"))])
    })
  )

  it.effect("of a stream whose reader stops after its end is a success", () =>
    Effect.gen(function* () {
      const { outcomes } = yield* watched(
        TestClaude.layer([answer]),
        stream.pipe(
          Stream.takeUntil((event) => event.type === "message_stop"),
          Stream.runDrain
        )
      )
      assert.isTrue(Exit.isSuccess(outcomes[0]?.exit ?? Exit.interrupt()))
    })
  )
})

describe("the totals", () => {
  const site = { job: undefined, row: undefined, path: [], labels: {} }
  const reply = { message: message(), requestId: "req_1", origin: "api", rateLimits: undefined } as const
  const model = request.model
  const sent = (attempt: number): Event.Event => ({ _tag: "call-sent", attempt, model, site })
  const interrupted = (attempt: number): Event.Event => ({ _tag: "call-interrupted", attempt, model, site })
  const finished = (attempt: number): Event.Event => ({
    ...Event.finished(attempt, reply, new Date("2026-11-28T00:00:00Z")),
    site
  })
  const totals = (events: ReadonlyArray<Event.Event>) => {
    const { attempts, cost, unsettled, usage } = events.reduce(Watcher.update, Watcher.empty)
    return { attempts, cost: cost && BigDecimal.format(cost), output: usage?.output, unsettled }
  }

  it("distinguish overlapping attempts", () => {
    assert.deepStrictEqual(totals([sent(1), sent(2), finished(1)]), {
      attempts: 2,
      cost: "0.00022",
      output: 20,
      unsettled: [2]
    })
    assert.deepStrictEqual(totals([sent(1), sent(2), finished(1), finished(2)]), {
      attempts: 2,
      cost: "0.00044",
      output: 40,
      unsettled: []
    })
  })

  it("bill an attempt once, even if its end is reported twice", () => {
    const once = { attempts: 1, cost: "0.00022", output: 20, unsettled: [] }
    assert.deepStrictEqual(totals([sent(1), finished(1), finished(1), interrupted(1)]), once)
  })

  it("bill an interrupted attempt whose answer arrives late", () => {
    assert.deepStrictEqual(totals([sent(1), interrupted(1)]).unsettled, [1])
    const late = { attempts: 1, cost: "0.00022", output: 20, unsettled: [] }
    assert.deepStrictEqual(totals([sent(1), interrupted(1), finished(1)]), late)
  })
})

describe("a watcher", () => {
  it.effect("receives events after earlier listeners, changes the request, and sets the context of the call", () =>
    Effect.gen(function* () {
      const received: Array<string> = []
      const listener = (name: string) => (event: Event.Event) =>
        Effect.sync(() => received.push(`${name} ${event._tag}`))
      const policy = wrap((next) =>
        Effect.succeed(
          Watcher.watching(
            next,
            (request) =>
              Effect.succeed({
                request: { ...request, max_tokens: 7 },
                context: (outer: Context.Context<never>) => Context.add(outer, Label, "set"),
                listener: listener("watcher"),
                end: () => Effect.void
              }),
            { content: false }
          )
        )
      )
      const seen: Array<unknown> = []
      const api = Layer.mock(Claude)({
        create: (request) =>
          Observe.create(
            request,
            Effect.map(Label, (label) => {
              seen.push(label, request.max_tokens)
              return { message: answer, requestId: undefined, origin: "api" as const, rateLimits: undefined }
            })
          )
      })
      yield* create.pipe(Event.listen(listener("program")), Effect.provide(policy(api)))
      assert.deepStrictEqual(seen, ["set", 7])
      assert.deepStrictEqual(received, [
        "program call-sent",
        "watcher call-sent",
        "program call-finished",
        "watcher call-finished"
      ])
    })
  )
})

// Builders

const busy = new Overloaded({ detail: "later" })
const answer = message("Hello, you there.")
const none: Watcher.Outcome = {
  ...Watcher.empty,
  exit: Exit.void,
  duration: Duration.zero,
  facts: undefined,
  message: undefined,
  length: 0
}

const start: StreamEvent = { type: "stream_start", requestId: "req_1", origin: "api", rateLimits: undefined }
const halfStream: ReadonlyArray<StreamEvent> = [start, ...firstHalf(answer)]

const create = Claude.use((claude) => claude.create(request))
const stream = Stream.unwrap(Claude.useSync((claude) => claude.stream(request)))
const drained = Stream.runDrain(stream)

const Label = Context.Reference("Watcher.test/Label", { defaultValue: () => "default" })

/** The outcomes and events of a call that a watcher receives; failures are retried after a second. */
const watched = Effect.fnUntraced(function* <A, B, E>(
  claude: Layer.Layer<B | Claude>,
  call: Effect.Effect<A, E | ClaudeError, Claude>,
  content = false
) {
  const outcomes: Array<Watcher.Outcome> = []
  const tags: Array<string> = []
  const policy = wrap((next) =>
    Effect.succeed(
      Watcher.watching(
        next,
        (request) =>
          Effect.succeed({
            request,
            context: (outer: Context.Context<never>) => outer,
            listener: (event) => Effect.sync(() => tags.push(event._tag)),
            end: (outcome) => Effect.sync(() => outcomes.push(outcome))
          }),
        { content }
      )
    )
  )
  const layer = claude.pipe(Retry.policy(Schedule.spaced("1 seconds")), policy)
  const running = yield* call.pipe(Effect.provide(layer), Effect.forkChild)
  yield* TestClock.adjust("1 minute")
  yield* Fiber.join(running)
  return { outcomes, tags }
})
