import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Journal from "../../../src/pipeline/Journal.ts"
import { postgres, sqlite } from "./databases.ts"
import { answerOf, begun, callOf, rowsOf, tickets } from "./runs.ts"

for (const { layer: database, missing, name } of [sqlite, postgres]) {
  describe.skipIf(missing !== "")(`the beginning of a run in ${name}${missing}`, () => {
    it.effect("are taken over from the earlier run if the source is the same", () =>
      Effect.gen(function* () {
        yield* Effect.gen(function* () {
          const journal = yield* Journal.Journal
          yield* journal.begin(Effect.andThen(journal.claim(rowsOf("a", "b", "c")), journal.setSource(source)))
          yield* journal.finish("b", `"é"`)
          yield* journal.fail("c", `"no"`)
        }).pipe(Effect.provide(Journal.layer(tickets)))
        for (let run = 0; run < 2; run++) {
          yield* Effect.gen(function* () {
            const journal = yield* Journal.Journal
            assert.deepStrictEqual(journal.source, source)
            yield* journal.begin(journal.reclaim)
            assert.deepStrictEqual(yield* journal.counts, { done: 1, failed: 0, pending: 2 })
            assert.strictEqual(yield* journal.outputSize, 5)
            assert.deepStrictEqual(yield* Stream.runCollect(journal.outputs), [`"é"`])
            const pending = yield* Stream.runCollect(journal.pending("all"))
            assert.deepStrictEqual(
              pending.map(({ hasFailed, key, ordinal }) => [key, ordinal, hasFailed]),
              [
                ["a", 0, false],
                ["c", 2, true]
              ]
            )
          }).pipe(Effect.provide(Journal.layer(tickets)))
        }
      }).pipe(Effect.provide(database))
    )

    it.effect("have no source after a run that stored none, or that forgot it", () =>
      Effect.gen(function* () {
        const run = <A, E, E2 = never>(
          claims: (journal: Journal.Journal["Service"]) => Effect.Effect<A, E>,
          after: (journal: Journal.Journal["Service"]) => Effect.Effect<void, E2> = () => Effect.void
        ) =>
          Journal.Journal.use((journal) =>
            journal.begin(claims(journal)).pipe(Effect.andThen(after(journal)), Effect.as(journal.source))
          ).pipe(Effect.provide(Journal.layer(tickets)))
        yield* run(({ setSource }) => setSource(source))
        assert.deepStrictEqual(yield* run(({ reclaim }) => reclaim), source)
        assert.deepStrictEqual(
          yield* run(
            ({ reclaim }) => reclaim,
            ({ forgetSource }) => forgetSource
          ),
          source
        )
        assert.isUndefined(yield* run(({ setSource }) => setSource(source)))
        yield* run(() => Effect.void)
        assert.isUndefined(yield* run(() => Effect.void))
      }).pipe(Effect.provide(database))
    )

    it.effect("are all pending again in a `rerun`, with their replies", () =>
      Effect.gen(function* () {
        yield* Effect.gen(function* () {
          const { fail, finish, replies } = yield* Journal.Journal
          yield* replies.save([answerOf(callOf("a"))])
          yield* finish("a", `"A"`)
          yield* fail("b", `"no"`)
        }).pipe(Effect.provide(begun(["a", "b"])))
        yield* Effect.gen(function* () {
          const journal = yield* Journal.Journal
          yield* journal.begin(Effect.andThen(journal.claim(rowsOf("a", "b")), journal.rerun))
          assert.deepStrictEqual(yield* journal.counts, { done: 0, failed: 0, pending: 2 })
          assert.strictEqual(yield* journal.outputSize, 0)
          assert.deepStrictEqual(yield* Stream.runCollect(journal.outputs), [])
          const rows = yield* Stream.runCollect(journal.pending("all"))
          assert.deepStrictEqual(
            rows.map(({ hasFailed, key, replies }) => [key, hasFailed, replies.length]),
            [
              ["a", false, 1],
              ["b", false, 0]
            ]
          )
          yield* journal.finish("a", `"new"`)
          assert.deepStrictEqual(yield* Stream.runCollect(journal.outputs), [`"new"`])
        }).pipe(Effect.provide(Journal.layer(tickets)))
      }).pipe(Effect.provide(database))
    )
  })
}

// Builders

const source: Journal.Source = {
  fingerprint: "file of 10 bytes",
  total: 4,
  invalid: 1,
  problems: ["tickets.ndjson line 3: no key"],
  unreadable: [2]
}
