import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Journal from "../../../src/pipeline/Journal.ts"
import { postgres, sqlite } from "./databases.ts"
import { dies, joined, submitted } from "./processes.ts"
import { answerOf, begun, callOf } from "./runs.ts"

for (const { layer: database, missing, name } of [sqlite, postgres]) {
  describe.skipIf(missing !== "")(`the spending of a job in ${name}${missing}`, () => {
    it.effect("is its stored bills, and what was recorded besides", () =>
      Effect.gen(function* () {
        yield* Effect.gen(function* () {
          const { replies, spending } = yield* Journal.Journal
          const { hold, stored, unsettled } = yield* spending
          yield* replies.save([answerOf(callOf("a"))])
          yield* hold("USD", BigDecimal.fromStringUnsafe("0.3"))
          yield* hold("USD", BigDecimal.fromStringUnsafe("0.000000001"))
          yield* hold("tokens", BigDecimal.fromStringUnsafe("1200"))
          assert.strictEqual(BigDecimal.format(stored("USD")), "0.00105")
          assert.strictEqual(BigDecimal.format(unsettled.USD), "0")
        }).pipe(Effect.provide(begun(["a"])))
        yield* Effect.gen(function* () {
          const { billed, stored, unsettled } = yield* Effect.flatMap(Journal.Journal, ({ spending }) => spending)
          assert.strictEqual(BigDecimal.format(billed.USD), "0.00105")
          assert.strictEqual(BigDecimal.format(stored("USD")), "0")
          assert.strictEqual(BigDecimal.format(unsettled.USD), "0.000000001")
          assert.strictEqual(BigDecimal.format(unsettled.tokens), "1200")
        }).pipe(Effect.provide(begun(["a"])))
      }).pipe(Effect.provide(database))
    )
  })
}

describe.skipIf(postgres.missing !== "")(`a budget that several processes spend${postgres.missing}`, () => {
  it.live("is that of the submission, also when it has changed", () =>
    Effect.gen(function* () {
      yield* submitted({ budget: "10 USD" })
      const [one, other] = [yield* spender, yield* spender]
      assert.strictEqual(yield* one.ask(7), "7 of 10")
      yield* one.chunks.setLimits({ budget: "12 USD" })
      assert.strictEqual(yield* other.ask(4), "4 of 12")
      yield* one.chunks.setLimits({ budget: "6 USD" })
      assert.strictEqual(yield* other.ask(4), "refused, 7 may come back")
      assert.deepInclude(yield* one.look, { cap: BigDecimal.fromBigInt(6n) })
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )

  it.live("may be changed to an amount in any of its forms", () =>
    Effect.gen(function* () {
      yield* submitted({ budget: "1k tokens" })
      const { chunks, shared } = yield* spender
      yield* chunks.setLimits({ budget: "2M tokens" })
      assert.deepInclude(yield* shared.look("tokens"), { cap: BigDecimal.make(2n, -6) })
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )

  it.live("is known to be wanted while a call of another process waits for money", () =>
    Effect.gen(function* () {
      yield* submitted({ budget: "10 USD" })
      const [one, other] = [yield* spender, yield* spender]
      yield* one.ask(8)
      assert.isFalse((yield* one.look).isWanted)
      assert.strictEqual(yield* other.ask(5), "refused, 8 may come back")
      assert.deepStrictEqual([(yield* one.look).isWanted, (yield* other.look).isWanted], [true, false])
      yield* one.ask(2)
      assert.strictEqual(yield* other.ask(5), "5 of 10")
      assert.isFalse((yield* one.look).isWanted)
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )

  it.live("has nothing to come back from a process that has no call in flight", () =>
    Effect.gen(function* () {
      yield* submitted({ budget: "10 USD" })
      const [one, other] = [yield* spender, yield* spender]
      yield* one.ask(8)
      assert.strictEqual(yield* one.ask(20, true), "refused, 0 may come back")
      assert.strictEqual(yield* other.ask(5), "refused, 0 may come back")
      yield* one.ask(9)
      assert.strictEqual(yield* other.ask(5), "refused, 9 may come back")
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )

  it.live("takes back what a process does not need, also where less is left than all processes have", () =>
    Effect.gen(function* () {
      yield* submitted({ budget: "10 USD" })
      const [one, other] = [yield* spender, yield* spender]
      yield* one.ask(5)
      yield* other.ask(5)
      yield* one.chunks.setLimits({ budget: "4 USD" })
      assert.strictEqual(yield* one.ask(2), "refused, 5 may come back")
      assert.strictEqual(yield* other.ask(1), "1 of 4")
      assert.strictEqual(yield* one.ask(6), "refused, 1 may come back")
      assert.strictEqual(yield* other.ask(2), "2 of 4")
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )

  it.live("counts the part of a process that died as spent, so that no call waits for it", () =>
    Effect.gen(function* () {
      yield* submitted({ budget: "10 USD" })
      const [one, other, last] = [yield* spender, yield* spender, yield* spender]
      yield* one.ask(6)
      yield* last.ask(5)
      assert.strictEqual(yield* other.ask(5), "refused, 6 may come back")
      yield* dies(one.run)
      yield* dies(last.run)
      assert.strictEqual(yield* other.ask(5), "refused, 0 may come back")
      assert.isFalse((yield* other.look).isWanted)
      assert.strictEqual(yield* other.ask(4), "4 of 10")
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )
})

// Builders

/** A process that asks for a part of this size, in dollars. */
const spender = Effect.gen(function* () {
  const { chunks, journal, run } = yield* joined
  const { shared } = yield* journal.spending
  if (shared === undefined) return yield* Effect.die("the budget is not shared")
  const dollars = (amount: number) => BigDecimal.fromBigInt(BigInt(amount))
  const ask = (needed: number, isIdle = false) =>
    Effect.map(
      shared.allot("USD", {
        cap: dollars(99),
        needed: dollars(needed),
        wanted: dollars(needed),
        waits: "until granted",
        isIdle
      }),
      (answer) =>
        answer._tag === "granted"
          ? `${BigDecimal.format(answer.amount)} of ${BigDecimal.format(answer.cap)}`
          : `refused, ${BigDecimal.format(answer.returnable)} may come back`
    )
  return { chunks, run, shared, ask, look: shared.look("USD") }
})
