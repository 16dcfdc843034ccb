import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import type { Account, Allotment } from "../../../src/claude/SpendStore.ts"
import { fromUnsafe } from "../../../src/policy/budget/Amount.ts"
import * as Ledger from "../../../src/policy/budget/Ledger.ts"
import * as Purse from "../../../src/policy/budget/Purse.ts"
import { request } from "../../fixtures.ts"

describe("a process that shares a budget of 1,000 tokens", () => {
  it.effect("takes its part in blocks of a hundredth, before it spends", () =>
    Effect.gen(function* () {
      const { asked, ledger } = yield* opened()
      yield* ledger.take(request, tokens(3))
      assert.deepStrictEqual(asked, ["3 of 13"])
      yield* ledger.take(request, tokens(10))
      assert.deepStrictEqual(asked, ["3 of 13"])
      yield* ledger.take(request, tokens(1))
      assert.deepStrictEqual(asked, ["3 of 13", "14 of 24"])
    })
  )

  it.effect("fails once others have spent the rest", () =>
    Effect.gen(function* () {
      const { ledger } = yield* opened({ spent: 950 })
      yield* ledger.take(request, tokens(30))
      const error = yield* Effect.flip(ledger.take(request, tokens(60)))
      assert.include(error.message, "the budget of this job has 50 tokens of 1,000 tokens left")
    }).pipe(Effect.scoped)
  )

  it.effect("waits for its own calls, and for what others may give back", () =>
    Effect.gen(function* () {
      const others = { spent: 900, returnable: 100 }
      const { ledger } = yield* opened(others)
      const { settle } = yield* ledger.take(request, tokens(80))
      const waiting = yield* Effect.forkChild(ledger.take(request, tokens(150)))
      yield* TestClock.adjust("10 seconds")
      settle(tokens(5))
      yield* TestClock.adjust("10 seconds")
      assert.isUndefined(waiting.pollUnsafe())
      others.spent = 800
      yield* TestClock.adjust("1 second")
      const taken = yield* Fiber.join(waiting)
      assert.strictEqual(BigDecimal.format(taken.most), "150")
    }).pipe(Effect.scoped)
  )

  it.effect("fails after a minute if a process that died does not give its part back", () =>
    Effect.gen(function* () {
      const { ledger } = yield* opened({ spent: 900, returnable: 100 })
      const waiting = yield* Effect.forkChild(Effect.flip(ledger.take(request, tokens(150))))
      yield* TestClock.adjust("59 seconds")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(waiting)).reason._tag, "BudgetExceeded")
    }).pipe(Effect.scoped)
  )

  it.effect("gives back what is too little for a call, while it waits", () =>
    Effect.gen(function* () {
      const others = { spent: 900, returnable: 100 }
      const { asked, ledger } = yield* opened(others)
      const { settle } = yield* ledger.take(request, tokens(80))
      settle(tokens(5))
      yield* Effect.forkChild(ledger.take(request, tokens(150)))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(asked, ["80 of 90", "5 of 5"])
    }).pipe(Effect.scoped)
  )

  it.effect("gives back what its calls no longer need", () =>
    Effect.gen(function* () {
      const { asked, ledger, regularly } = yield* opened()
      const { settle } = yield* ledger.take(request, tokens(500))
      settle(tokens(20))
      yield* regularly
      assert.deepStrictEqual(asked, ["500 of 510", "20 of 30"])
      yield* regularly
      assert.lengthOf(asked, 2)
    }).pipe(Effect.scoped)
  )

  it.effect("does not spend a budget that was raised before it has asked", () =>
    Effect.gen(function* () {
      const { asked, ledger, purse } = yield* opened({ spent: 990 })
      Purse.raise(purse, tokens(2000))
      yield* ledger.take(request, tokens(100))
      assert.deepStrictEqual(asked, ["100 of 120"])
    }).pipe(Effect.scoped)
  )
})

// Builders

const tokens = (amount: number) => BigDecimal.fromBigInt(BigInt(amount))
const zero = tokens(0)

/** A ledger of one process, beside others that have spent some tokens. */
const opened = Effect.fnUntraced(function* (others: { spent?: number; returnable?: number } = {}) {
  const asked: Array<string> = []
  let regularly: Effect.Effect<void> = Effect.void
  const account: Account = {
    billed: zero,
    unsettled: zero,
    stored: () => zero,
    hold: () => Effect.void,
    atEnd: () => {},
    shared: {
      allot: ({ cap, needed, wanted }) =>
        Effect.sync((): Allotment => {
          const left = BigDecimal.subtract(cap, tokens(others.spent ?? 0))
          if (BigDecimal.isGreaterThan(needed, left)) {
            return { _tag: "refused", left, returnable: tokens(others.returnable ?? 0) }
          }
          asked.push(`${BigDecimal.format(needed)} of ${BigDecimal.format(wanted)}`)
          return { _tag: "granted", amount: BigDecimal.min(left, wanted) }
        }),
      regularly: (effect) => {
        regularly = effect
      }
    }
  }
  const purse = Purse.make(fromUnsafe("1000 tokens"))
  const ledger = yield* Ledger.open(purse, account, undefined)
  return { asked, ledger, purse, regularly: Effect.suspend(() => regularly) }
})
