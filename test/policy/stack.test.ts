import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import { Claude } from "../../src/claude/Claude.ts"
import { NotFound, Overloaded, RateLimited } from "../../src/claude/ClaudeError.ts"
import * as Budget from "../../src/policy/Budget.ts"
import * as Concurrency from "../../src/policy/Concurrency.ts"
import * as ResponseCache from "../../src/policy/ResponseCache.ts"
import { stack, type StackOptions } from "../../src/policy/stack.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"
import { request } from "../fixtures.ts"

describe("stack", () => {
  it.effect("retries, and holds no permit while it waits", () =>
    Effect.gen(function* () {
      const busy = new Overloaded({ detail: "later", retryAfter: Duration.minutes(1) })
      let asked = 0
      const layer = TestClaude.layer(() => (asked++ === 0 ? busy : "Hello.")).pipe(stack({ concurrency: 1 }))
      const answers: Array<string | null> = []
      const ask = Effect.tap(create, ({ message }) => Effect.sync(() => answers.push(message.id)))
      const running = yield* Effect.all([ask, ask], { concurrency: 2 }).pipe(Effect.provide(layer), Effect.forkChild)
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(answers, ["msg_test_2"])
      yield* TestClock.adjust("31 seconds")
      yield* Fiber.join(running)
      assert.deepStrictEqual(answers, ["msg_test_2", "msg_test_3"])
    })
  )

  it.effect("sends a call again that was refused for its rate, without a retry", () =>
    Effect.gen(function* () {
      const limited = new RateLimited({ detail: "slow down", retryAfter: Duration.minutes(1) })
      const layer = TestClaude.layer([limited, "Hello."]).pipe(stack({ retry: Schedule.recurs(0) }))
      const running = yield* create.pipe(Effect.provide(layer), Effect.forkChild)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Fiber.join(running)).origin, "api")
    })
  )

  it.effect("admits 64 concurrent calls by default; `concurrency` takes a number or a handle", () =>
    Effect.gen(function* () {
      const capacity = (options?: StackOptions) =>
        Effect.provide(
          Claude.use((claude) => claude.capacity),
          stack(options)(TestClaude.layer())
        )
      assert.strictEqual(yield* capacity(), 64)
      assert.strictEqual(yield* capacity({ concurrency: 5 }), 5)
      assert.strictEqual(yield* capacity({ concurrency: yield* Concurrency.make(7) }), 7)
    })
  )

  it.effect("reserves money of its budget for every attempt", () =>
    Effect.gen(function* () {
      const layer = TestClaude.layer().pipe(stack({ budget: "0.0001 USD" }))
      const error = yield* Effect.flip(Effect.provide(create, layer))
      assert.strictEqual(error.reason._tag, "BudgetExceeded")
    })
  )

  it.effect("spends from one budget, also at another client that it falls back to", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make("1 USD")
      const other = TestClaude.layer("Hello.")
      const layer = TestClaude.layer(new NotFound({ detail: "model: claude-sonnet-5-5" })).pipe(
        stack({ budget, fallback: [{ model: "claude-opus-5-5", claude: other }] })
      )
      yield* Effect.provide(create, layer)
      assert.isTrue(BigDecimal.isPositive(yield* budget.spent))
    })
  )

  it.effect("follows its retry schedule", () =>
    Effect.gen(function* () {
      const layer = TestClaude.layer([overloaded, overloaded]).pipe(stack({ retry: Schedule.recurs(1) }))
      const [, asked] = yield* Effect.all([Effect.flip(create), TestClaude.calls]).pipe(Effect.provide(layer))
      assert.strictEqual(asked.length, 2)
    })
  )

  it.effect("falls back after the repeats, below the response cache", () =>
    Effect.gen(function* () {
      const layer = TestClaude.layer(({ model }) => (model === request.model ? overloaded : "Hello.")).pipe(
        stack({
          retry: Schedule.recurs(1),
          fallback: [{ model: "claude-opus-5" }],
          cache: { store: ResponseCache.layerMemory() }
        })
      )
      const [first, second, asked] = yield* Effect.all([create, create, TestClaude.calls]).pipe(Effect.provide(layer))
      assert.deepStrictEqual([first.message.model, second.origin], ["claude-opus-5", "api"])
      const both = [request.model, request.model, "claude-opus-5"]
      assert.deepStrictEqual(
        asked.map(({ model }) => model),
        [...both, ...both]
      )
    })
  )

  it.effect("answers from its store, without a retry", () =>
    Effect.gen(function* () {
      const layer = TestClaude.layer([overloaded, "Hello."]).pipe(
        stack({ retry: Schedule.recurs(1), cache: { store: ResponseCache.layerMemory(), timeToLive: "1 hour" } })
      )
      const [first, second] = yield* Effect.all([create, create]).pipe(Effect.provide(layer))
      assert.deepStrictEqual([first.origin, second.origin], ["api", "cache"])
    })
  )

  it.effect("places prompt cache breakpoints below the response cache", () =>
    Effect.gen(function* () {
      const layer = TestClaude.layer("Hello.").pipe(
        stack({ promptCache: { ttl: "1h" }, cache: { store: ResponseCache.layerMemory(), timeToLive: "1 hour" } })
      )
      const ask = Claude.use((claude) => claude.create({ ...request, system: "Be brief. ".repeat(500) }))
      const [, second, asked] = yield* Effect.all([ask, ask, TestClaude.calls]).pipe(Effect.provide(layer))
      assert.strictEqual(second.origin, "cache")
      assert.deepStrictEqual(
        asked.map(({ system }) => system),
        [[{ type: "text", text: "Be brief. ".repeat(500), cache_control: { type: "ephemeral", ttl: "1h" } }]]
      )
    })
  )

  it("is a function from layer to layer, and keeps the other services of the layer", () => {
    const layer = TestClaude.layer().pipe(stack())
    expectTypeOf(layer).toEqualTypeOf<Layer.Layer<Claude | TestClaude.TestClaude>>()
  })
})

// Builders

const overloaded = new Overloaded({ detail: "later" })
const create = Claude.use((claude) => claude.create(request))
