import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Journal from "../../../src/pipeline/Journal.ts"
import { postgres, sqlite } from "./databases.ts"
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
