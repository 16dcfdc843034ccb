import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CallSite from "../../src/claude/CallSite.ts"
import { Claude } from "../../src/claude/Claude.ts"
import { ClaudeError, ConnectionFailed, Overloaded, StreamInterrupted } from "../../src/claude/ClaudeError.ts"
import * as Cost from "../../src/claude/Cost.ts"
import * as Event from "../../src/claude/Event.ts"
import type { Request } from "../../src/claude/Request.ts"
import * as Usage from "../../src/claude/Usage.ts"
import * as Batch from "../../src/pipeline/Batch.ts"
import * as Budget from "../../src/policy/Budget.ts"
import * as Bound from "../../src/policy/budget/Bound.ts"
import * as Concurrency from "../../src/policy/Concurrency.ts"
import * as MessageBatches from "../../src/policy/MessageBatches.ts"
import * as ResponseCache from "../../src/policy/ResponseCache.ts"
import * as Retry from "../../src/policy/Retry.ts"
import * as Emulator from "../../src/testing/Emulator.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"
import { firstHalf, message, request } from "../fixtures.ts"

describe("a budget", () => {
  it.effect("reserves the most that a call may cost while it runs, and then spends its bill", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make("5 USD")
      for (const call of [create, Stream.runDrain(stream)]) {
        const before = yield* budget.spent
        const answered = yield* Deferred.make<string>()
        const layer = TestClaude.layer(Deferred.await(answered)).pipe(Budget.policy(budget))
        const running = yield* Effect.forkChild(Effect.provide(call, layer))
        yield* TestClock.adjust("1 seconds")
        assert.strictEqual(yield* reading(budget.reserved), most)
        yield* Deferred.succeed(answered, "Hello.")
        yield* Fiber.join(running)
        assert.strictEqual(yield* reading(budget.reserved), "0")
        assert.strictEqual(BigDecimal.format(BigDecimal.subtract(yield* budget.spent, before)), bill)
      }
      assert.strictEqual(
        yield* reading(budget.remaining),
        BigDecimal.format(BigDecimal.subtract(yield* budget.cap, yield* budget.spent))
      )
    })
  )

  it.effect("lets concurrent calls wait, so that they cannot overspend together", () =>
    Effect.gen(function* () {
      const api = makeApi()
      const waits: Array<unknown> = []
      const listener = (event: Event.Event) =>
        Effect.sync(() => event._tag === "call-waited" && waits.push([event.for, Duration.toSeconds(event.duration)]))
      const running = yield* many(3).pipe(
        Event.listen(listener),
        Effect.provide(Budget.policy(budgetFor(2.5))(api.layer)),
        Effect.forkChild
      )
      yield* TestClock.adjust("500 millis")
      assert.strictEqual(api.inFlight(), 2)
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(running)
      assert.deepStrictEqual(waits, [["budget", 1]])
    })
  )

  it.effect("refuses a call when nothing in flight can free enough, and continues when it is raised", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make("0.0001 USD")
      const layer = TestClaude.layer("Hello.").pipe(Budget.policy(budget))
      yield* Effect.gen(function* () {
        const error = yield* Effect.flip(create)
        assert.strictEqual(error.reason._tag, "BudgetExceeded")
        assert.match(
          error.message,
          /^BudgetExceeded: the budget of this run has \$0\.00010 of \$0\.00010 left, and this call may cost up to \$0\.00\d+; raise the budget, or lower max_tokens \(100\)$/
        )
        yield* Budget.raise(budget, "1 USD")
        yield* create
        assert.lengthOf(yield* TestClaude.calls, 1)
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("spends nothing on failures that the API reports, and the most on answers that got lost", () =>
    Effect.gen(function* () {
      const lost = new StreamInterrupted({ detail: "cut", usage: { ...Usage.zero, input: 10, output: 1 } })
      for (const [reason, spent] of [
        [new Overloaded({ detail: "later", status: 529 }), "0"],
        [new ConnectionFailed({ detail: "nobody listens", code: "ECONNREFUSED" }), "0"],
        [new ConnectionFailed({ detail: "reset", code: "ECONNRESET" }), most],
        [lost, most]
      ] as const) {
        for (const call of [create, Stream.runDrain(stream)]) {
          const budget = yield* Budget.make("5 USD")
          yield* call.pipe(Effect.flip, Effect.provide(TestClaude.layer(reason).pipe(Budget.policy(budget))))
          assert.strictEqual(yield* reading(budget.spent), spent)
        }
      }
    })
  )

  it.effect("spends the most on a call that is interrupted, or whose stream is left", () =>
    Effect.gen(function* () {
      const half = Stream.concat(Stream.fromIterable(firstHalf(message())), Stream.never)
      for (const call of [Effect.timeoutOption(create, "1 seconds"), Stream.runDrain(Stream.take(stream, 2))]) {
        const budget = yield* Budget.make("5 USD")
        const layer = TestClaude.layer(half).pipe(Budget.policy(budget))
        const running = yield* Effect.forkChild(Effect.provide(call, layer))
        yield* TestClock.adjust("1 seconds")
        yield* Fiber.join(running)
        assert.strictEqual(yield* reading(budget.spent), most)
      }
    })
  )

  it.effect("spends nothing on a call that is interrupted while it waits for a permit below", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make("5 USD")
      const layer = TestClaude.layer(Effect.never).pipe(Concurrency.policy(0), Budget.policy(budget))
      const calls = yield* Effect.forkChild(
        Effect.all([create, Stream.runDrain(stream)], { concurrency: 2 }).pipe(Effect.provide(layer))
      )
      yield* TestClock.adjust("1 seconds")
      assert.isFalse(BigDecimal.isZero(yield* budget.reserved))
      yield* Fiber.interrupt(calls)
      assert.deepStrictEqual([yield* reading(budget.reserved), yield* reading(budget.spent)], ["0", "0"])
    })
  )

  it.effect("reserves for every attempt of a call", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make("5 USD")
      const lost = new ConnectionFailed({ detail: "reset", code: "ECONNRESET" })
      const layer = TestClaude.layer([lost, "Hello."]).pipe(Budget.policy(budget), Retry.policy(Schedule.recurs(1)))
      yield* Effect.provide(create, layer)
      const both = BigDecimal.sum(BigDecimal.fromStringUnsafe(most), BigDecimal.fromStringUnsafe(bill))
      assert.strictEqual(yield* reading(budget.spent), BigDecimal.format(both))
    })
  )

  it.effect("is free where a cache answers", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make("5 USD")
      for (const caching of ["outside", "inside"] as const) {
        const cache = ResponseCache.policy({ timeToLive: "1 hour" })
        const api = TestClaude.layer("Hello.")
        const layer = caching === "outside" ? cache(Budget.policy(budget)(api)) : Budget.policy(budget)(cache(api))
        const store = ResponseCache.layerMemory()
        yield* Effect.provide(Effect.andThen(create, create), Layer.provide(layer, store))
      }
      assert.strictEqual(yield* reading(budget.spent), BigDecimal.format(twice(bill)))
    })
  )

  it.effect("is shared by the layers that have the same handle", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make("5 USD")
      for (const answer of ["Hello.", "Hello."]) {
        yield* Effect.provide(create, TestClaude.layer(answer).pipe(Budget.policy(budget)))
      }
      assert.strictEqual(yield* reading(budget.spent), BigDecimal.format(twice(bill)))
    })
  )
})

describe("the bound of a call", () => {
  it.effect("is counted by the API where its bytes would refuse it", () =>
    Effect.gen(function* () {
      const ask = Claude.use((claude) => claude.create(long))
      const live = (cap: "0.20 USD" | "0.05 USD") => TestClaude.layer("Hello.").pipe(Budget.policy(cap))
      // The fake counts 30,000 tokens in the 120,000 bytes.
      yield* Effect.provide(ask, live("0.20 USD"))
      const error = yield* Effect.flip(Effect.provide(ask, live("0.05 USD")))
      assert.match(error.message, /\$0\.05\d* left, and this call may cost up to \$0\.\d+/)
    })
  )

  it.effect("has a margin where the API counts, because its count may differ from the bill by a small amount", () =>
    Effect.gen(function* () {
      const ask = Claude.use((claude) => claude.create({ ...long, max_tokens: 1000 }))
      const live = (cap: "31k tokens" | "33k tokens") => TestClaude.layer("Hello.").pipe(Budget.policy(cap))
      const error = yield* Effect.flip(Effect.provide(ask, live("31k tokens")))
      assert.include(error.message, "this call may use up to 32,5")
      yield* Effect.provide(ask, live("33k tokens"))
    })
  )

  it.effect("is that of the bytes where the API cannot count, so the call is refused", () =>
    Effect.gen(function* () {
      const ask = Claude.use((claude) => claude.create(long))
      const down = new ClaudeError({ reason: new Overloaded({ detail: "busy", status: 529 }) })
      const uncounted = Layer.mock(Claude)({ countTokens: () => Effect.fail(down) })
      const error = yield* Effect.flip(Effect.provide(ask, uncounted.pipe(Budget.policy("0.20 USD"))))
      assert.strictEqual(error.reason._tag, "BudgetExceeded")
    })
  )

  it.effect("needs a price, or a budget in tokens", () =>
    Effect.gen(function* () {
      const ask = Claude.use((claude) => claude.create({ ...request, model: "claude-unknown-9" }))
      const live = (cap: "5 USD" | "1k tokens") => TestClaude.layer("Hello.").pipe(Budget.policy(cap))
      const error = yield* Effect.flip(Effect.provide(ask, live("5 USD")))
      assert.strictEqual(
        error.message,
        "Unsupported: the budget of this run cannot cover this call, because claude-unknown-9 has no known price; " +
          "use a model with a price, or a budget in tokens"
      )
      yield* Effect.provide(ask, live("1k tokens"))
    })
  )

  it.effect("is missing where the API adds to the prompt by itself, so the call is refused", () =>
    Effect.gen(function* () {
      const tools = [{ type: "web_search_20250305", name: "web_search" } as const]
      const ask = Claude.use((claude) => claude.create({ ...request, tools }))
      const error = yield* Effect.flip(Effect.provide(ask, TestClaude.layer("Hello.").pipe(Budget.policy("5 USD"))))
      assert.include(error.message, "because nothing bounds its tokens; leave out what the API adds")
    })
  )

  it.effect("counts prompts and answers in a budget of tokens", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make("2k tokens")
      const usage = { input_tokens: 30, cache_read_input_tokens: 100, output_tokens: 12 }
      const layer = TestClaude.layer({ content: ["Hello."], usage }).pipe(Budget.policy(budget))
      yield* Effect.provide(create, layer)
      assert.strictEqual(yield* reading(budget.spent), "142")
    })
  )
})

describe("a share of the budget", () => {
  it.effect("is a cap for each value of a label", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make({ cap: "1M tokens", labels: { tenant: "700 tokens" } })
      const layer = TestClaude.layer({ content: ["Hello."], usage: { input_tokens: 300 } }).pipe(Budget.policy(budget))
      yield* Effect.gen(function* () {
        const of = (tenant: string) => CallSite.label("tenant", tenant)(create)
        yield* of("acme")
        const error = yield* Effect.flip(Effect.andThen(of("acme"), of("acme")))
        assert.include(error.message, 'the budget of this run for tenant "acme" has ')
        assert.deepInclude(error.reason, { _tag: "BudgetExceeded", share: 'tenant "acme"' })
        yield* of("other")
        yield* create
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("is a cap for a step and the steps in it", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make({ cap: "1M tokens", steps: { "answer/judge": "100 tokens" } })
      const layer = TestClaude.layer("Hello.").pipe(Budget.policy(budget))
      yield* Effect.gen(function* () {
        yield* create.pipe(CallSite.within("answer"))
        yield* create.pipe(CallSite.within("judge"))
        yield* create.pipe(CallSite.within("judges"), CallSite.within("answer"))
        const judged = create.pipe(CallSite.within("tone"), CallSite.within("judge"), CallSite.within("answer"))
        const error = yield* Effect.flip(judged)
        assert.include(error.message, 'for step "answer/judge" has 100 tokens of 100 tokens left')
      }).pipe(Effect.provide(layer))
    })
  )
})

describe("a call whose bytes are too much for the whole budget, but not for its share", () => {
  it.effect("does not wait for what it took from the share before the API counted", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make({ cap: "50k tokens", labels: { tenant: "150k tokens" } })
      const layer = TestClaude.layer("Hello.").pipe(Budget.policy(budget))
      const ask = CallSite.label("tenant", "acme")(Claude.use((claude) => claude.create(long)))
      const call = yield* Effect.forkChild(Effect.provide(ask, layer))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(call.pollUnsafe()?._tag, "Success")
    })
  )
})

describe("above MessageBatches", () => {
  it.effect("does not let the API count, because the next run must find the same bound", () =>
    Effect.gen(function* () {
      const ask = Claude.use((claude) => claude.create(long))
      const layer = Emulator.layer().pipe(MessageBatches.policy(), Budget.policy("0.10 USD"))
      const error = yield* Effect.flip(Effect.provide(ask, layer))
      assert.strictEqual(error.reason._tag, "BudgetExceeded")
    })
  )

  it.effect("reserves and spends half, and sends a batch when all items wait for money", () =>
    Effect.gen(function* () {
      const budget = budgetFor(2, 0.5)
      const layer = Emulator.layer({ batchProcessing: "5 minutes" }).pipe(
        MessageBatches.policy({ delay: "1 day" }),
        Budget.policy(budget)
      )
      const all = yield* Batch.map(Array.from({ length: 7 }), () => create, { concurrency: 7 }).pipe(
        Effect.provide(layer),
        Effect.forkChild
      )
      while (all.pollUnsafe() === undefined) {
        yield* Effect.repeat(Effect.yieldNow, { times: 100 })
        yield* TestClock.adjust("1 minute")
      }
      const results = yield* Fiber.join(all)
      assert.isTrue(results.every((result) => result._tag === "Success"))
      assert.isBelow(yield* Clock.currentTimeMillis, Duration.toMillis("1 hour"))
    })
  )

  it.effect(
    "spends nothing on a call that leaves before its batch is sent, and the most on one that leaves later",
    () =>
      Effect.gen(function* () {
        for (const [minutes, spent] of [
          [1, "0"],
          [3, BigDecimal.format(mostOf(true))]
        ] as const) {
          const budget = yield* Budget.make("5 USD")
          const layer = Emulator.layer({ batchProcessing: "5 minutes" }).pipe(
            MessageBatches.policy({ delay: "2 minutes" }),
            Budget.policy(budget)
          )
          const call = yield* Effect.forkChild(Effect.provide(create, layer))
          for (let minute = 0; minute < minutes; minute++) yield* TestClock.adjust("1 minute")
          yield* Fiber.interrupt(call)
          assert.strictEqual(yield* reading(budget.spent), spent)
        }
      })
  )
})

// Builders

const create = Claude.use((claude) => claude.create(request))
const stream = Stream.unwrap(Claude.use((claude) => Effect.succeed(claude.stream(request))))

/** 30,000 tokens in 120,000 bytes. */
const long: Request = { ...request, messages: [{ role: "user", content: "lorem ipsum ".repeat(10_000) }] }

const at = new Date(0)

const mostOf = (batch: boolean) => {
  const sending = { request, serviceTier: batch ? "batch" : "standard", at } as const
  return Bound.most(sending, "USD", Bound.input(sending) ?? 0) ?? BigDecimal.fromBigInt(0n)
}

/** The most that `request` may cost, and the cost of "Hello.". */
const most = BigDecimal.format(mostOf(false))
const bill = BigDecimal.format(
  Cost.of({ model: request.model, usage: { ...Usage.zero, input: 1, output: 2 }, at }) ?? BigDecimal.fromBigInt(0n)
)

const twice = (amount: string) => BigDecimal.multiply(BigDecimal.fromStringUnsafe(amount), BigDecimal.fromBigInt(2n))

const reading = (amount: Effect.Effect<BigDecimal.BigDecimal>) => Effect.map(amount, BigDecimal.format)

/** A budget that covers this many calls at once. */
const budgetFor = (calls: number, price = 1) =>
  `${BigDecimal.toNumberUnsafe(mostOf(false)) * calls * price} USD` as `${number} USD`

const many = (count: number) =>
  Effect.all(
    Array.from({ length: count }, () => create),
    { concurrency: count }
  )

/** An API that answers after a second. */
const makeApi = () => {
  let inFlight = 0
  const answer = Effect.acquireUseRelease(
    Effect.sync(() => (inFlight += 1)),
    () => Effect.delay(Effect.succeed("Hello."), "1 seconds"),
    () => Effect.sync(() => (inFlight -= 1))
  )
  return { layer: TestClaude.layer(() => answer), inFlight: () => inFlight }
}
