import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import * as TestClock from "effect/testing/TestClock"
import * as AnthropicClient from "../../src/claude/AnthropicClient.ts"
import * as Api from "../../src/claude/Api.ts"
import { Claude } from "../../src/claude/Claude.ts"
import * as Cost from "../../src/claude/Cost.ts"
import * as Event from "../../src/claude/Event.ts"
import * as Reply from "../../src/claude/Reply.ts"
import type * as Request from "../../src/claude/Request.ts"
import * as Batch from "../../src/pipeline/Batch.ts"
import * as Step from "../../src/pipeline/Step.ts"
import * as MessageBatches from "../../src/policy/MessageBatches.ts"
import * as ResponseCache from "../../src/policy/ResponseCache.ts"
import { stack } from "../../src/policy/stack.ts"
import * as Emulator from "../../src/testing/Emulator.ts"
import { request } from "../fixtures.ts"

describe("a batch is sent", () => {
  it.effect("when every item of a Batch waits", () =>
    Effect.gen(function* () {
      const { of, listen } = recording()
      const results = yield* listen(inTime(Batch.map(range(25), ask)))
      assert.lengthOf(results.filter(Result.isSuccess), 25)
      assert.deepStrictEqual(
        of("batch-sent").map(({ requests }) => requests),
        [25]
      )
    }).pipe(Effect.provide(batches()))
  )

  it.effect("at its largest number of requests", () =>
    Effect.gen(function* () {
      const { of, listen } = recording()
      yield* listen(inTime(Batch.map(range(25), ask)))
      assert.deepStrictEqual(
        of("batch-sent")
          .map(({ requests }) => requests)
          .toSorted(),
        [10, 10, 5]
      )
    }).pipe(Effect.provide(batches({ requests: 10 })))
  )

  it.effect("at its largest number of bytes", () =>
    Effect.gen(function* () {
      const { of, listen } = recording()
      yield* listen(inTime(Batch.map(range(4), ask)))
      assert.deepStrictEqual(
        of("batch-sent").map(({ requests }) => requests),
        [2, 2]
      )
    }).pipe(Effect.provide(batches({ bytes: 500 })))
  )

  it.effect("when its first call has waited for the longest time, outside of a Batch", () =>
    Effect.gen(function* () {
      const { of, listen } = recording()
      const first = yield* Effect.forkChild(listen(ask(1)))
      yield* TestClock.adjust("9 minutes")
      const second = yield* Effect.forkChild(listen(ask(2)))
      yield* TestClock.adjust("59 seconds")
      assert.lengthOf(of("batch-sent"), 0)
      yield* inTime(Fiber.joinAll([first, second]))
      assert.deepStrictEqual(
        of("batch-sent").map(({ requests, since }) => [requests, since]),
        [[2, 600_000]]
      )
    }).pipe(Effect.provide(batches({ delay: "10 minutes" })))
  )

  it.effect("apart from calls with other betas, which go through the beta API", () => {
    const paths: Array<string> = []
    const faults: Emulator.Script = ({ headers, method, path }) => {
      if (method === "POST" && path !== Emulator.inBatch) paths.push(`${path} ${headers["anthropic-beta"]}`)
      return undefined
    }
    return Effect.gen(function* () {
      const { of, listen } = recording()
      const betas = ["context-1m-2025-08-07" as const]
      const calls = range(4).map((row) => create({ ...hello(row), ...(row % 2 === 0 && { betas }) }))
      const replies = yield* listen(inTime(Batch.map(calls, (call) => call)))
      assert.lengthOf(replies.filter(Result.isSuccess), 4)
      assert.deepStrictEqual(
        of("batch-sent").map(({ requests }) => requests),
        [2, 2]
      )
      assert.deepStrictEqual(paths.toSorted(), [
        "/v1/messages/batches context-1m-2025-08-07",
        "/v1/messages/batches undefined"
      ])
    }).pipe(Effect.provide(batches({}, { faults })))
  })

  it.effect("without the calls that were interrupted before", () =>
    Effect.gen(function* () {
      const { of, listen } = recording()
      const first = yield* Effect.forkChild(ask(1))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(first)
      yield* listen(inTime(ask(2)))
      assert.deepStrictEqual(
        of("batch-sent").map(({ requests }) => requests),
        [1]
      )
    }).pipe(Effect.provide(batches()))
  )
})

describe("a reply from a batch", () => {
  it.effect("equals that of a direct call, at half the price", () =>
    Effect.gen(function* () {
      const { of, listen } = recording()
      const direct = yield* Effect.provide(ask(1), Emulator.layer())
      const reply = yield* listen(inTime(ask(1)))
      assert.deepStrictEqual(reply.message.content, direct.message.content)
      assert.strictEqual(reply.origin, "batch")
      assert.isTrue(Reply.isEmulated(reply.requestId))
      const [{ cost } = { cost: undefined }] = of("call-finished")
      const full = Cost.bill(direct.message, new Date(0)).cost
      assert.strictEqual(twice(cost), full && BigDecimal.format(full))
    }).pipe(Effect.provide(batches()))
  )

  it.effect("is streamed as a whole", () =>
    Effect.gen(function* () {
      const stream = Claude.use((claude) => Effect.succeed(claude.stream(hello(1))))
      const events = yield* inTime(Stream.runCollect(Stream.unwrap(stream)))
      assert.strictEqual(events[0]?.type, "stream_start")
      assert.strictEqual(events.at(-1)?.type, "message_stop")
    }).pipe(Effect.provide(batches()))
  )

  it.effect("has the events of a call and of its batch", () =>
    Effect.gen(function* () {
      const { events, listen, of } = recording()
      yield* listen(inTime(ask(1)))
      assert.deepStrictEqual(
        events.map(({ _tag }) => _tag).filter((tag) => tag !== "batch-polled"),
        ["batch-sent", "call-sent", "batch-ended", "call-finished"]
      )
      const [sent] = of("batch-sent")
      const [ended] = of("batch-ended")
      assert.match(sent?.batch ?? "", /^msgbatch_emulated_/)
      assert.deepInclude(sent, { requests: 1, how: "sent", since: 60_000 })
      assert.deepInclude(ended, { requests: 1, succeeded: 1, errored: 0, canceled: 0, expired: 0 })
    }).pipe(Effect.provide(batches({}, { batchProcessing: "15 seconds" })))
  )
})

describe("an error", () => {
  it.effect("of one request is that of a direct call", () =>
    Effect.gen(function* () {
      const wrong = { ...request, model: "claude-nope" }
      const direct = yield* Effect.flip(Effect.provide(create(wrong), Emulator.layer()))
      const [right, batched] = yield* inTime(Effect.all([ask(1), Effect.flip(create(wrong))], { concurrency: 2 }))
      assert.strictEqual(right.origin, "batch")
      assert.strictEqual(batched.reason._tag, "NotFound")
      assert.deepStrictEqual([batched.reason._tag, batched.reason.detail], [direct.reason._tag, direct.reason.detail])
    }).pipe(Effect.provide(batches()))
  )

  it.effect("of the key fails every call of the batch", () =>
    Effect.gen(function* () {
      const results = yield* inTime(Batch.map(range(3), (row) => Effect.flip(ask(row))))
      const reasons = results.map((result) => Result.isSuccess(result) && result.success.reason._tag)
      assert.deepStrictEqual(reasons, ["Unauthenticated", "Unauthenticated", "Unauthenticated"])
    }).pipe(Effect.provide(batches({}, { apiKeys: ["another"] })))
  )

  it.effect("is returned at once for what batches do not support", () =>
    Effect.gen(function* () {
      const refused: ReadonlyArray<readonly [string, Request.Request]> = [
        ["`fallbacks`", { ...request, fallbacks: "default" }],
        ['`speed: "fast"`', { ...request, speed: "fast" }],
        ["`max_tokens: 0`", { ...request, max_tokens: 0 }],
        ["`headers` for one call", { ...request, headers: { "x-trace": "1" } }]
      ]
      for (const [what, call] of refused) {
        const { reason } = yield* Effect.flip(create(call))
        assert.strictEqual(reason._tag, "Unsupported")
        assert.include(reason.message, `Message Batches do not support ${what}`)
        assert.match(reason.message, /(without batches|to the client)$/)
      }
      const { reason } = yield* Effect.flip(create({ ...request, system: "long ".repeat(200) }))
      assert.strictEqual(reason._tag, "RequestTooLarge")
    }).pipe(Effect.provide(batches({ bytes: 1000 })))
  )

  it.effect("is returned at once for a backend without batches", () => {
    const client = { messages: { create: () => assert.fail("no call") } }
    const layer = Api.layer.pipe(Layer.provideMerge(AnthropicClient.layerFrom(client)), MessageBatches.policy())
    return Effect.gen(function* () {
      const { reason } = yield* Effect.flip(ask(1))
      assert.strictEqual(reason._tag, "Unsupported")
      assert.include(reason.message, "this backend has no Message Batches; run without batches")
    }).pipe(Effect.provide(layer))
  })
})

describe("a handle", () => {
  it.effect("lists the batches that have not ended, and cancels them", () =>
    Effect.gen(function* () {
      const handle = yield* MessageBatches.make()
      const layer = Emulator.layer({ batchProcessing: "1 hour" }).pipe(MessageBatches.policy(handle))
      const calls = yield* Effect.forkChild(
        Effect.provide(
          Batch.map(range(3), (row) => Effect.flip(ask(row))),
          layer
        )
      )
      yield* letRun("15 seconds")
      const [running] = yield* MessageBatches.running(handle)
      assert.deepInclude(running, { requests: 3, since: 0 })
      yield* MessageBatches.cancelAll(handle)
      const results = yield* inTime(Fiber.join(calls))
      const reasons = results.flatMap((result) => (Result.isSuccess(result) ? [result.success.reason] : []))
      assert.lengthOf(reasons, 3)
      for (const reason of reasons) {
        assert.strictEqual(
          reason._tag === "BatchItemLost" && `${reason.how} ${reason.batch}`,
          `canceled ${running?.id}`
        )
        assert.isFalse(reason.isRetryable)
      }
      assert.deepStrictEqual(yield* MessageBatches.running(handle), [])
    })
  )
})

describe("a pipeline of three steps over 2,000 rows", () => {
  it.effect("makes three batches, at half the price of direct calls", () =>
    Effect.gen(function* () {
      const step = (name: string) => Step.text(name, (text: string) => `${name}: ${text}`)
      const pipeline = step("classify").pipe(Step.andThen(step("extract")), Step.andThen(step("answer")))
      const rows = range(2000).map((row) => `row ${row}`)
      const { of, listen } = recording()
      const results = yield* listen(inTime(Batch.map(rows, pipeline)))
      assert.lengthOf(results.filter(Result.isSuccess), 2000)
      assert.deepStrictEqual(
        of("batch-sent").map(({ requests }) => requests),
        [2000, 2000, 2000]
      )
      const hours = (yield* Clock.currentTimeMillis) / 3_600_000
      assert.isTrue(hours >= 3 && hours < 3.2, `${hours} hours`)
      const batched = Cost.sum(of("call-finished").map(({ cost }) => cost))
      const full = Cost.sum(
        of("call-finished").map(({ model, usage }) =>
          Cost.of({ model, usage: Struct.omit(usage, ["serviceTier"]), at: new Date(0) })
        )
      )
      assert.strictEqual(twice(batched), full && BigDecimal.format(full))
    }).pipe(Effect.provide(batches({}, { batchProcessing: "1 hour" })))
  )
})

describe("the policy", () => {
  it.effect("has a capacity of 10,000 calls, and counts tokens directly", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Claude.use(({ capacity }) => capacity), 10_000)
      assert.isAbove(yield* Claude.use((claude) => claude.countTokens(request)), 0)
    }).pipe(Effect.provide(batches()))
  )

  it.effect("replaces Concurrency in the stack", () =>
    Effect.gen(function* () {
      const layer = Emulator.layer().pipe(stack({ batches: { capacity: 500 } }))
      assert.strictEqual(
        yield* Effect.provide(
          Claude.use(({ capacity }) => capacity),
          layer
        ),
        500
      )
      const { of, listen } = recording()
      yield* listen(inTime(Effect.provide(Batch.map(range(3), ask), layer)))
      assert.lengthOf(of("batch-sent"), 1)
    })
  )

  it.effect("sends a batch although an item waits for the equal call of another one", () =>
    Effect.gen(function* () {
      const cache = { store: ResponseCache.layerMemory(), timeToLive: "1 hour" } as const
      const layer = Emulator.layer().pipe(stack({ batches: { delay: "1 day" }, cache }))
      const replies = yield* inTime(Effect.provide(Batch.map([1, 1, 2], ask), layer))
      const origins = replies.map((result) => Result.isSuccess(result) && result.success.origin)
      assert.deepStrictEqual(origins, ["batch", "cache", "batch"])
    })
  )

  it("needs the client of the API", () => {
    const layer = Api.layer.pipe(MessageBatches.policy())
    expectTypeOf(layer).toEqualTypeOf<Layer.Layer<Claude, never, AnthropicClient.AnthropicClient>>()
    const stacked = Api.layer.pipe(stack({ batches: {} }))
    expectTypeOf(stacked).toEqualTypeOf<Layer.Layer<Claude, never, AnthropicClient.AnthropicClient>>()
  })
})

// Builders

const batches = (options: MessageBatches.Options = {}, emulator: Emulator.Options = {}) =>
  Emulator.layer({ batchProcessing: "5 minutes", ...emulator }).pipe(MessageBatches.policy(options))

const range = (count: number) => Array.from({ length: count }, (_, index) => index)

const hello = (row: number): Request.Request => ({ ...request, messages: [{ role: "user", content: `Row ${row}` }] })

const create = (call: Request.Request) => Claude.use((claude) => claude.create(call))

const ask = (row: number) => create(hello(row))

/** Records the events of an effect. */
const recording = () => {
  const events: Array<Event.Event> = []
  return {
    events,
    of: <Tag extends Event.Event["_tag"]>(tag: Tag) =>
      events.filter((event): event is Extract<Event.Event, { _tag: Tag }> => event._tag === tag),
    listen: Event.listen((event) => Effect.sync(() => void events.push(event)))
  }
}

const twice = (cost: BigDecimal.BigDecimal | undefined) => cost && BigDecimal.format(BigDecimal.sum(cost, cost))

/** Lets the fibers and the promises of the client run, and then time pass. */
const letRun = (time: "15 seconds" | "1 minute") =>
  Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 50 }), TestClock.adjust(time))

/** Runs an effect, and lets time pass until it ends. */
const inTime = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect)
  while (fiber.pollUnsafe() === undefined) yield* letRun("1 minute")
  return yield* Fiber.join(fiber)
})
