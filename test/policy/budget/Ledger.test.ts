import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { type CallKey, CurrentCall, type ReplyStore } from "../../../src/claude/ReplyStore.ts"
import { hash } from "../../../src/claude/Request.ts"
import type { Account } from "../../../src/claude/SpendStore.ts"
import { fromUnsafe } from "../../../src/claude/Amount.ts"
import * as Ledger from "../../../src/policy/budget/Ledger.ts"
import * as Purse from "../../../src/policy/budget/Purse.ts"
import { request } from "../../fixtures.ts"

describe("the ledger of a job with 100 tokens", () => {
  it.effect("records what calls may use, and a hundredth more, before they are sent", () =>
    Effect.gen(function* () {
      const { ledger, recorded } = yield* opened()
      yield* ledger.take(request, tokens(10))
      assert.deepStrictEqual(recorded, ["11"])
      yield* ledger.take(request, tokens(1))
      assert.deepStrictEqual(recorded, ["11"])
      yield* ledger.take(request, tokens(1))
      assert.deepStrictEqual(recorded, ["11", "13"])
    })
  )

  it.effect("counts what earlier runs may have used, and records it again", () =>
    Effect.gen(function* () {
      const { ledger, purse, recorded } = yield* opened(tokens(30))
      assert.strictEqual(BigDecimal.format(purse.spent), "30")
      yield* ledger.take(request, tokens(10))
      assert.deepStrictEqual(recorded, ["41"])
    })
  )

  it.effect("records less again once calls have used far less than they might", () =>
    Effect.gen(function* () {
      const { atEnd, ledger, purse, recorded } = yield* opened()
      const { settle } = yield* ledger.take(request, tokens(80))
      settle(tokens(5))
      settle(tokens(5))
      yield* ledger.take(request, tokens(2))
      assert.deepStrictEqual(recorded, ["81", "8"])
      assert.strictEqual(BigDecimal.format(purse.spent), "5")
      assert.strictEqual(atEnd(), "7")
    })
  )

  it.effect("sends no call on an amount that is about to be replaced by a lower one", () =>
    Effect.gen(function* () {
      const writing = yield* Deferred.make<void>()
      const { ledger, recorded } = yield* opened(zero, (amount) =>
        amount === "8" ? Deferred.await(writing) : Effect.void
      )
      const { settle } = yield* ledger.take(request, tokens(80))
      settle(tokens(5))
      const lowering = yield* Effect.forkChild(ledger.take(request, tokens(2)))
      const next = yield* Effect.forkChild(ledger.take(request, tokens(40)))
      yield* Effect.repeat(Effect.yieldNow, { times: 20 })
      assert.deepStrictEqual([recorded, next.pollUnsafe()], [["81"], undefined])
      yield* Deferred.succeed(writing, undefined)
      yield* Fiber.joinAll([lowering, next])
      assert.deepStrictEqual(recorded, ["81", "8", "48"])
    })
  )

  it.effect("says how much of the budget earlier runs may have lost, where it refuses a call", () =>
    Effect.gen(function* () {
      const { ledger } = yield* opened(tokens(95), undefined, [call], "100 USD")
      const take = (most: number) => ledger.take(request, tokens(most))
      assert.include(
        (yield* Effect.flip(take(10))).message,
        "has $5.00 of $100.00 left (calls of earlier runs whose answers were lost may have cost $95.00), and"
      )
      yield* Effect.scoped(Effect.provideService(take(95), CurrentCall, call))
      assert.include((yield* Effect.flip(take(101))).message, "has $100.00 of $100.00 left, and")
    })
  )

  it.effect("counts a call of a batch that an earlier run left only once", () =>
    Effect.gen(function* () {
      const { atEnd, ledger, purse } = yield* opened(tokens(30), undefined, [call])
      const take = (most: number) => Effect.provideService(ledger.take(request, tokens(most)), CurrentCall, call)
      const { settle } = yield* take(10)
      assert.deepStrictEqual([BigDecimal.format(purse.spent), BigDecimal.format(purse.reserved)], ["20", "10"])
      settle(tokens(4))
      assert.deepStrictEqual([BigDecimal.format(purse.spent), atEnd()], ["24", "24"])
      // The next call is another one, though its key is the same.
      yield* take(10)
      assert.deepStrictEqual([BigDecimal.format(purse.spent), BigDecimal.format(purse.reserved)], ["24", "10"])
    })
  )

  it.effect("counts a call of such a batch anew if it may use more than is left of those runs", () =>
    Effect.gen(function* () {
      const { atEnd, ledger, purse } = yield* opened(tokens(5), undefined, [call])
      yield* Effect.provideService(ledger.take(request, tokens(10)), CurrentCall, call)
      assert.deepStrictEqual([BigDecimal.format(purse.spent), atEnd()], ["5", "15"])
    })
  )

  it.effect("frees what a call has taken whose record fails", () =>
    Effect.gen(function* () {
      const { atEnd, ledger, purse } = yield* opened(zero, () => Effect.die("disk full"))
      const exit = yield* Effect.exit(Effect.scoped(ledger.take(request, tokens(10))))
      assert.isTrue(Exit.hasDies(exit))
      assert.deepStrictEqual([BigDecimal.format(purse.reserved), atEnd()], ["0", "0"])
    })
  )
})

// Builders

const tokens = (count: number) => BigDecimal.fromBigInt(BigInt(count))

const zero = tokens(0)

const call: CallKey = { row: "1", path: "answer", hash: hash(request), occurrence: 0 }

/** The store of a job whose earlier run left a batch of these calls. */
const leaving = (calls: ReadonlyArray<CallKey>): ReplyStore => {
  const items = calls.map((call, index) => ({ customId: String(index), call, requestHash: call.hash }))
  const unused = Effect.die("not used")
  return {
    find: () => unused,
    save: () => unused,
    intend: () => unused,
    sent: () => unused,
    ended: () => unused,
    knows: () => unused,
    unfinished: Effect.succeed([{ id: "a", createdAt: 0, items, batchId: "msgbatch_1" }])
  }
}

/** A ledger whose earlier runs left this much, and these calls in a batch. `store` runs before an amount is recorded. */
const opened = Effect.fnUntraced(function* (
  unsettled: BigDecimal.BigDecimal = zero,
  store: (amount: string) => Effect.Effect<void> = () => Effect.void,
  left: ReadonlyArray<CallKey> = [],
  cap: "100 tokens" | "100 USD" = "100 tokens"
) {
  const recorded: Array<string> = []
  let end = () => zero
  const account: Account = {
    billed: zero,
    unsettled,
    stored: () => zero,
    hold: (amount) => {
      const text = BigDecimal.format(amount)
      return Effect.andThen(
        store(text),
        Effect.sync(() => void recorded.push(text))
      )
    },
    atEnd: (amount) => {
      end = amount
    }
  }
  const purse = Purse.make(fromUnsafe(cap))
  const ledger = yield* Ledger.open(purse, account, leaving(left))
  return { ledger, purse, recorded, atEnd: () => BigDecimal.format(end()) }
})
