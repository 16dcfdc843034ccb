import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { BatchIntent } from "../../../src/claude/ReplyStore.ts"
import * as Journal from "../../../src/pipeline/Journal.ts"
import { postgres, sqlite } from "./databases.ts"
import { begun, callOf, tickets } from "./runs.ts"

for (const { layer: database, missing, name } of [sqlite, postgres]) {
  describe.skipIf(missing !== "")(`the batches of a journal in ${name}${missing}`, () => {
    it.effect("are unfinished until they have ended, the oldest first, in later runs too", () =>
      Effect.gen(function* () {
        const [later, earlier] = [intentOf("b", 2_000_000_000_000), intentOf("a", 1_900_000_000_000)]
        yield* Effect.gen(function* () {
          const { replies } = yield* Journal.Journal
          yield* replies.intend(later)
          yield* replies.intend(earlier)
          yield* replies.sent("a", "msgbatch_1")
          assert.deepStrictEqual(yield* replies.unfinished, [{ ...earlier, batchId: "msgbatch_1" }, later])
        }).pipe(Effect.provide(begun(keys)))
        yield* Effect.gen(function* () {
          const { replies } = yield* Journal.Journal
          assert.deepStrictEqual(yield* replies.unfinished, [{ ...earlier, batchId: "msgbatch_1" }, later])
          yield* replies.ended("b")
          assert.deepStrictEqual(yield* replies.unfinished, [{ ...earlier, batchId: "msgbatch_1" }])
        }).pipe(Effect.provide(begun(keys)))
      }).pipe(Effect.provide(database))
    )

    it.effect("are left out when all of their rows are done", () =>
      Effect.gen(function* () {
        const { fail, finish, replies } = yield* Journal.Journal
        const [first, ...others] = keys
        yield* replies.intend(intentOf("a", 1))
        yield* Effect.forEach(others, (key) => finish(key, "1"), { concurrency: "unbounded" })
        yield* fail(first ?? "", "{}")
        assert.deepStrictEqual(yield* replies.unfinished, [intentOf("a", 1)])
        yield* finish(first ?? "", "1")
        assert.deepStrictEqual(yield* replies.unfinished, [])
      }).pipe(Effect.provide(Layer.provide(begun(keys), database)))
    )

    it.effect("belong to one job, and are known to all jobs of the database, also when they have ended", () =>
      Effect.gen(function* () {
        yield* Effect.gen(function* () {
          const { replies } = yield* Journal.Journal
          yield* replies.intend(intentOf("a", 1))
          yield* replies.sent("a", "msgbatch_1")
          yield* replies.ended("a")
          yield* replies.intend(intentOf("b", 1))
        }).pipe(Effect.provide(begun(keys)))
        yield* Effect.gen(function* () {
          const { replies } = yield* Journal.Journal
          assert.deepStrictEqual(yield* replies.unfinished, [])
          assert.deepStrictEqual(yield* Effect.forEach(["msgbatch_1", "msgbatch_2"], replies.knows), [true, false])
        }).pipe(Effect.provide(begun(keys, { ...tickets, job: "letters" })))
      }).pipe(Effect.provide(database))
    )
  })
}

// Builders

const keys = [...Array.from({ length: 300 }, (_, index) => `row ${1000 + index}`), "k".repeat(5000)]

const intentOf = (id: string, createdAt: number): BatchIntent => ({
  id,
  createdAt,
  batchId: undefined,
  items: keys.map((key, index) => ({
    customId: `${id}-${1000 + index}`,
    call: callOf(key),
    requestHash: `request ${index}`
  }))
})
