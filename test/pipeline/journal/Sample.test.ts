import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Journal from "../../../src/pipeline/Journal.ts"
import { postgres, sqlite } from "./databases.ts"
import { answerOf, begun, callOf, rowsOf, tickets } from "./runs.ts"

for (const { layer: database, missing, name } of [sqlite, postgres]) {
  describe.skipIf(missing !== "")(`a sample of a journal in ${name}${missing}`, () => {
    it.effect("has the first and the last finished row, and rows between whose requests are kept", () =>
      Effect.gen(function* () {
        yield* Effect.gen(function* () {
          const { finish, replies } = yield* Journal.Journal
          yield* replies.save(keys.map((key) => answerOf(callOf(key))))
          yield* Effect.forEach(keys.slice(3, 900), (key) => finish(key, `"${key}"`), { concurrency: 64 })
        }).pipe(Effect.provide(begun(keys)))
        yield* Effect.gen(function* () {
          const journal = yield* Journal.Journal
          yield* journal.begin(
            Effect.gen(function* () {
              const rows = yield* journal.sample(4)
              assert.deepStrictEqual(
                rows.map(({ key, ordinal, output, replies }) => [key, ordinal, output, replies.length]),
                [
                  ["row 3", 3, `"row 3"`, 1],
                  ["row 256", 256, `"row 256"`, 1],
                  ["row 512", 512, `"row 512"`, 1],
                  ["row 899", 899, `"row 899"`, 1]
                ]
              )
              assert.deepStrictEqual(
                rows.map(({ replies }) => replies[0]?.request !== undefined),
                [true, true, true, false]
              )
              yield* journal.claim(rowsOf(...keys))
              assert.deepStrictEqual(yield* journal.sample(4), rows)
            })
          )
        }).pipe(Effect.provide(Journal.layer(tickets)))
      }).pipe(Effect.provide(database))
    )

    it.effect("has each row once if few are finished, and none if none is", () =>
      Effect.gen(function* () {
        const { finish, sample } = yield* Journal.Journal
        assert.deepStrictEqual(yield* sample(8), [])
        yield* finish("row 1", `"one"`)
        yield* finish("row 2", `"two"`)
        assert.deepStrictEqual(yield* sample(8), [
          { key: "row 1", ordinal: 1, output: `"one"`, replies: [] },
          { key: "row 2", ordinal: 2, output: `"two"`, replies: [] }
        ])
      }).pipe(Effect.provide(Layer.provide(begun(keys.slice(0, 3)), database)))
    )

    it.effect("leaves out the rows that were finished before `keep`, in all later runs", () =>
      Effect.gen(function* () {
        yield* Effect.provide(
          Journal.Journal.use(({ finish }) => finish("a", `"A"`)),
          begun(["a", "b", "c"])
        )
        yield* Effect.gen(function* () {
          const { finish, keep, sample } = yield* Journal.Journal
          assert.lengthOf(yield* sample(3), 1)
          yield* keep
          assert.deepStrictEqual(yield* sample(3), [])
          yield* finish("b", `"B"`)
        }).pipe(Effect.provide(begun(["a", "b", "c"])))
        const rows = yield* Effect.provide(
          Journal.Journal.use(({ sample }) => sample(3)),
          begun(["a", "b", "c"])
        )
        assert.deepStrictEqual(
          rows.map(({ key }) => key),
          ["b"]
        )
      }).pipe(Effect.provide(database))
    )
  })
}

// Builders

const keys = Array.from({ length: 1000 }, (_, index) => `row ${index}`)
