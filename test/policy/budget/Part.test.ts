import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import * as Parts from "../../../src/pipeline/journal/Parts.ts"
import type { Account, SharedAccount } from "../../../src/claude/SpendStore.ts"
import { fromUnsafe } from "../../../src/claude/Amount.ts"
import * as Ledger from "../../../src/policy/budget/Ledger.ts"
import * as Purse from "../../../src/policy/budget/Purse.ts"
import { request } from "../../fixtures.ts"

describe("a process that shares a budget of 1,000 tokens", () => {
  it.effect("takes its part before it spends, in larger blocks when it asks often, of up to a hundredth", () =>
    Effect.gen(function* () {
      const { asked, ledger } = yield* opened()
      for (const most of [3, 1, 1, 1, 1, 1, 1, 1, 30]) yield* ledger.take(request, tokens(most))
      assert.deepStrictEqual(asked, ["3 of 3", "4 of 7", "8 of 14", "40 of 50"])
    }).pipe(Effect.scoped)
  )

  it.effect("takes smaller blocks when it asks less often", () =>
    Effect.gen(function* () {
      const { asked, ledger, regularly } = yield* opened()
      yield* ledger.take(request, tokens(4))
      for (let second = 0; second < 4; second++) yield* regularly
      yield* ledger.take(request, tokens(4))
      assert.deepStrictEqual(asked, ["4 of 4", "8 of 8.25"])
    }).pipe(Effect.scoped)
  )

  it.effect("fails once others have spent the rest", () =>
    Effect.gen(function* () {
      const { ledger } = yield* opened({ spent: 950 })
      yield* ledger.take(request, tokens(30))
      const error = yield* Effect.flip(ledger.take(request, tokens(60)))
      assert.include(error.message, "the budget of this job has 50 tokens of 1,000 tokens left")
    }).pipe(Effect.scoped)
  )

  it.effect("waits for its own calls, and for what others may give back, for as long as they live", () =>
    Effect.gen(function* () {
      const others = { spent: 900, returnable: 100 }
      const { ledger } = yield* opened(others)
      const { settle } = yield* ledger.take(request, tokens(80))
      const waiting = yield* Effect.forkChild(ledger.take(request, tokens(150)))
      yield* TestClock.adjust("10 seconds")
      settle(tokens(5))
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(waiting.pollUnsafe())
      others.spent = 800
      yield* TestClock.adjust("1 second")
      const taken = yield* Fiber.join(waiting)
      assert.strictEqual(BigDecimal.format(taken.most), "150")
    }).pipe(Effect.scoped)
  )

  it.effect("fails as soon as the process has died that had the money", () =>
    Effect.gen(function* () {
      const others = { spent: 900, returnable: 100 }
      const { ledger } = yield* opened(others)
      const waiting = yield* Effect.forkChild(Effect.flip(ledger.take(request, tokens(150))))
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(waiting.pollUnsafe())
      others.returnable = 0
      yield* TestClock.adjust("1 second")
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
      assert.deepStrictEqual(asked, ["80 of 80", "5 of 5"])
    }).pipe(Effect.scoped)
  )

  it.effect("gives back what its calls no longer need", () =>
    Effect.gen(function* () {
      const { asked, ledger, regularly } = yield* opened()
      const { settle } = yield* ledger.take(request, tokens(500))
      settle(tokens(20))
      yield* regularly
      assert.deepStrictEqual(asked, ["500 of 500", "20 of 25"])
      yield* regularly
      assert.deepStrictEqual(asked.slice(2), [])
    }).pipe(Effect.scoped)
  )

  it.effect("has no spare money while a call of another process waits for money", () =>
    Effect.gen(function* () {
      const others = { spent: 0, isWanted: true }
      const { asked, ledger, regularly } = yield* opened(others)
      for (const most of [2, 2]) yield* ledger.take(request, tokens(most))
      yield* regularly
      yield* ledger.take(request, tokens(2))
      assert.deepStrictEqual(asked, ["2 of 2", "4 of 6", "4 of 4", "6 of 6"])
    }).pipe(Effect.scoped)
  )

  it.effect("does not spend a budget that was raised before it has asked", () =>
    Effect.gen(function* () {
      const { asked, ledger, purse } = yield* opened({ spent: 990 })
      Purse.raise(purse, tokens(2000))
      yield* ledger.take(request, tokens(100))
      assert.deepStrictEqual(asked, ["100 of 100"])
    }).pipe(Effect.scoped)
  )

  it.effect("spends nothing of its part that a lowered budget does not have", () =>
    Effect.gen(function* () {
      const others: Others = { spent: 0, cap: 1000 }
      const { asked, ledger, regularly } = yield* opened(others)
      for (const most of [2, 2]) yield* ledger.take(request, tokens(most))
      assert.deepStrictEqual(asked, ["2 of 2", "4 of 6"])
      others.cap = 4
      yield* regularly
      const waiting = yield* Effect.forkChild(ledger.take(request, tokens(2)))
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(waiting.pollUnsafe())
      yield* Fiber.interrupt(waiting)
    }).pipe(Effect.scoped)
  )

  it.effect("follows the budget of the job, up and down", () =>
    Effect.gen(function* () {
      const others: Others = { spent: 0, cap: 2000 }
      const { ledger, regularly } = yield* opened(others)
      const { settle } = yield* ledger.take(request, tokens(1500))
      settle(tokens(600))
      others.cap = 700
      yield* regularly
      const error = yield* Effect.flip(ledger.take(request, tokens(200)))
      assert.include(error.message, "the budget of this job has 100 tokens of 700 tokens left")
      yield* ledger.take(request, tokens(100))
    }).pipe(Effect.scoped)
  )
})

// Builders

const tokens = (amount: number) => BigDecimal.fromBigInt(BigInt(amount))
const zero = tokens(0)

/** What other processes have, in tokens. */
interface Others {
  spent?: number
  returnable?: number
  cap?: number
  isWanted?: boolean
}

/** A ledger of one process, beside others. */
const opened = Effect.fnUntraced(function* (others: Others = {}) {
  const asked: Array<string> = []
  let regularly: Effect.Effect<void> = Effect.void
  const capOf = () => (others.cap === undefined ? undefined : tokens(others.cap))
  const shared: SharedAccount = {
    allot: (amounts) =>
      Effect.sync(() => {
        const { returnable = 0, spent = 0 } = others
        const parts = [
          { allotted: tokens(spent - returnable), billed: zero, isLiving: false, isIdle: false },
          { allotted: tokens(returnable), billed: zero, isLiving: true, isIdle: false }
        ]
        const answer = Parts.allot({ ...amounts, cap: capOf() ?? amounts.cap }, zero, parts)
        if (answer._tag === "granted") {
          asked.push(`${BigDecimal.format(amounts.needed)} of ${BigDecimal.format(amounts.wanted)}`)
        }
        return answer
      }),
    look: Effect.sync(() => ({ cap: capOf(), isWanted: others.isWanted === true })),
    regularly: (effect) => {
      regularly = effect
    }
  }
  const account: Account = {
    billed: zero,
    unsettled: zero,
    stored: () => zero,
    hold: () => Effect.void,
    atEnd: () => {},
    shared
  }
  const purse = Purse.make(fromUnsafe("1000 tokens"))
  const ledger = yield* Ledger.open(purse, account, undefined)
  return { asked, ledger, purse, regularly: Effect.suspend(() => regularly) }
})
