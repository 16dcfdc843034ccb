import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { fromUnsafe } from "../../../src/claude/Amount.ts"
import { Event } from "effect-claude"
import * as Purse from "../../../src/policy/budget/Purse.ts"

describe("a purse of 100 tokens", () => {
  it.effect("gives calls what they may use, and takes back what they did not use", () =>
    Effect.gen(function* () {
      const purse = hundred()
      const taken = yield* Purse.take(purse, tokens(60))
      assert.deepStrictEqual(stateOf(purse), { spent: "0", reserved: "60", waiting: 0 })
      taken.settle(tokens(10))
      taken.settle(tokens(10))
      assert.deepStrictEqual(stateOf(purse), { spent: "10", reserved: "0", waiting: 0 })
    })
  )

  it.effect("gets everything back from a call that was never sent", () =>
    Effect.gen(function* () {
      const purse = hundred()
      yield* Effect.scoped(Purse.take(purse, tokens(60)))
      assert.deepStrictEqual(stateOf(purse), { spent: "0", reserved: "0", waiting: 0 })
    })
  )

  it.effect("lets calls wait in order of arrival, small ones too", () =>
    Effect.gen(function* () {
      const purse = hundred()
      const first = yield* Purse.take(purse, tokens(80))
      const order: Array<number> = []
      for (const most of [70, 10, 20]) {
        yield* Effect.forkChild(Effect.tap(Purse.take(purse, tokens(most)), () => Effect.sync(() => order.push(most))))
        yield* Effect.yieldNow
      }
      assert.deepStrictEqual([order, stateOf(purse).waiting], [[], 3])
      first.settle(tokens(5))
      yield* Effect.yieldNow
      assert.deepStrictEqual(order, [70, 10])
      assert.deepStrictEqual(stateOf(purse), { spent: "5", reserved: "80", waiting: 1 })
    })
  )

  it.effect("reports when calls begin to wait, and when no call waits any more", () =>
    Effect.gen(function* () {
      const purse = Purse.make(fromUnsafe("100 tokens"), 'step "judge"')
      const reports: Array<unknown> = []
      const take = (most: number) => Effect.forkChild(Purse.take(purse, tokens(most)))
      yield* Effect.gen(function* () {
        const first = yield* Purse.take(purse, tokens(80))
        yield* take(70)
        const last = yield* take(30)
        yield* Effect.yieldNow
        assert.deepStrictEqual(reports, [true])
        first.settle(tokens(5))
        yield* Effect.yieldNow
        assert.deepStrictEqual([reports, stateOf(purse).waiting], [[true], 1])
        yield* Fiber.interrupt(last)
        assert.deepStrictEqual(reports, [true, false])
      }).pipe(
        Event.listen((event) =>
          Effect.sync(() => {
            if (event._tag === "budget-binds" && event.share === 'step "judge"') reports.push(event.binds)
          })
        )
      )
    })
  )

  it.effect("refuses a call only when the calls in flight cannot free enough", () =>
    Effect.gen(function* () {
      const purse = hundred()
      const first = yield* Purse.take(purse, tokens(60))
      const waiting = yield* Effect.forkChild(Purse.take(purse, tokens(50)))
      yield* Effect.yieldNow
      assert.strictEqual(stateOf(purse).waiting, 1)
      first.settle(tokens(51))
      const error = yield* Effect.flip(Fiber.join(waiting))
      assert.strictEqual(
        error.message,
        "BudgetExceeded: the budget of this run has 49 tokens of 100 tokens left, and this call may use up to 50 tokens; raise the budget"
      )
      assert.isFalse(error.isRetryable)
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(Purse.take(purse, tokens(49)))))
    })
  )

  it.effect("says that a call needs more than is left, also where both round to one value", () =>
    Effect.gen(function* () {
      const purse = Purse.make(fromUnsafe("0.004 USD"))
      const first = yield* Purse.take(purse, BigDecimal.fromStringUnsafe("0.0039"))
      first.settle(BigDecimal.fromStringUnsafe("0.00182"))
      const error = yield* Effect.flip(Purse.take(purse, BigDecimal.fromStringUnsafe("0.002184")))
      assert.include(error.message, "has $0.0021 of $0.0040 left, and this call may cost up to $0.0022")
    })
  )

  it.effect("lets waiting calls continue when it is raised", () =>
    Effect.gen(function* () {
      const purse = hundred()
      yield* Purse.take(purse, tokens(100))
      const waiting = yield* Effect.forkChild(Purse.take(purse, tokens(50)))
      yield* Effect.yieldNow
      Purse.raise(purse, tokens(149))
      yield* Effect.yieldNow
      assert.strictEqual(stateOf(purse).waiting, 1)
      Purse.raise(purse, tokens(150))
      yield* Fiber.join(waiting)
      Purse.raise(purse, tokens(1))
      assert.strictEqual(BigDecimal.format(purse.cap), "150")
    })
  )

  it.effect("forgets a waiting call that is interrupted, and lets the next one continue", () =>
    Effect.gen(function* () {
      const purse = hundred()
      yield* Purse.take(purse, tokens(80))
      const large = yield* Effect.forkChild(Purse.take(purse, tokens(70)))
      const small = yield* Effect.forkChild(Purse.take(purse, tokens(20)))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(large)
      yield* Fiber.join(small)
      assert.deepStrictEqual(stateOf(purse), { spent: "0", reserved: "100", waiting: 0 })
    })
  )

  it.effect("loses nothing when a call is interrupted at the moment at which it may continue", () =>
    Effect.gen(function* () {
      const purse = hundred()
      const first = yield* Purse.take(purse, tokens(80))
      const waiting = yield* Effect.forkChild(
        Effect.scoped(Effect.andThen(Purse.take(purse, tokens(70)), Effect.never))
      )
      yield* Effect.yieldNow
      first.settle(tokens(0))
      yield* Fiber.interrupt(waiting)
      assert.deepStrictEqual(stateOf(purse), { spent: "0", reserved: "0", waiting: 0 })
    })
  )

  it.effect("serves 10,000 waiting calls one after the other", () =>
    Effect.gen(function* () {
      const purse = Purse.make(fromUnsafe("20000 tokens"))
      let served = 0
      const call = Effect.scoped(
        Effect.flatMap(Purse.take(purse, tokens(10_000)), ({ settle }) =>
          Effect.sync(() => {
            settle(tokens(1))
            served += 1
          })
        )
      )
      const scope = yield* Scope.make()
      yield* Scope.provide(Purse.take(purse, tokens(20_000)), scope)
      const calls = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 10_000 }), () => call, { concurrency: "unbounded", discard: true })
      )
      yield* Effect.yieldNow
      yield* Scope.close(scope, Exit.void)
      yield* Fiber.join(calls)
      assert.deepStrictEqual([served, stateOf(purse)], [10_000, { spent: "10000", reserved: "0", waiting: 0 }])
    })
  )
})

// Builders

const tokens = (count: number) => BigDecimal.fromBigInt(BigInt(count))

const hundred = () => Purse.make(fromUnsafe("100 tokens"))

const stateOf = ({ reserved, spent, waiting }: Purse.Purse) => ({
  spent: BigDecimal.format(spent),
  reserved: BigDecimal.format(reserved),
  waiting: waiting.size
})
