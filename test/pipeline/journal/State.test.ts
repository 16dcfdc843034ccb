import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as Journal from "../../../src/pipeline/Journal.ts"
import * as RowFailure from "../../../src/pipeline/RowFailure.ts"
import { postgres, sqlite } from "./databases.ts"
import { answerOf, begun, callOf, tickets } from "./runs.ts"

for (const { layer: database, missing, name } of [sqlite, postgres]) {
  describe.skipIf(missing !== "")(`the state of a job in ${name}${missing}`, () => {
    it.effect("has the rows, results and costs of a run that is on", () =>
      Effect.gen(function* () {
        yield* Effect.provide(Journal.Journal, Layer.fresh(begun(["a", "b"])))
        yield* Effect.gen(function* () {
          const journal = yield* Journal.Journal
          yield* journal.replies.save([answerOf(callOf("c"))])
          yield* journal.finish("c", `"C"`)
          yield* journal.finish("a", `"A"`)
          yield* journal.fail("d", "first")
          yield* journal.fail("b", "second")
          const [state, ...others] = yield* Journal.states
          assert.lengthOf(others, 0)
          if (state === undefined) return assert.fail("the state has a job")
          assert.deepInclude(state, { job: "tickets", run: 2, emulated: false, invalid: undefined })
          assert.deepStrictEqual(yield* state.counts, { total: 5, done: 2, failed: 2, pending: 1 })
          assert.deepStrictEqual(yield* Stream.runCollect(state.outputs), [`"A"`, `"C"`])
          assert.deepStrictEqual(yield* Stream.runCollect(state.failures), [
            { key: "b", ordinal: 1, error: "second" },
            { key: "d", ordinal: 3, error: "first" }
          ])
          assert.deepStrictEqual(yield* state.lastFailures(1), [{ key: "d", ordinal: 3, error: "first" }])
          const { all, run, runs } = yield* state.totals
          assert.deepStrictEqual([all.calls, run.calls, runs], [1, 1, 2])
          assert.strictEqual(BigDecimal.format(run.cost), "0.00105")
        }).pipe(Effect.provide(begun(["a", "b", "c", "d", "e"])))
      }).pipe(Effect.provide(database))
    )

    it.effect("counts rows that failed in an earlier run as failed, until they have run again", () =>
      Effect.gen(function* () {
        yield* Effect.provide(
          Journal.Journal.use(({ fail }) => fail("a", "no")),
          Layer.fresh(begun(["a", "b"]))
        )
        yield* Effect.gen(function* () {
          const counts = Effect.flatMap(
            Journal.states,
            ([state]) => state?.counts ?? Effect.die("the state has no job")
          )
          assert.deepStrictEqual(yield* counts, { total: 2, done: 0, failed: 1, pending: 1 })
          yield* (yield* Journal.Journal).finish("a", "1")
          assert.deepStrictEqual(yield* counts, { total: 2, done: 1, failed: 0, pending: 1 })
        }).pipe(Effect.provide(begun(["a", "b"])))
      }).pipe(Effect.provide(database))
    )

    it.effect("has the reasons of the failed rows, by which a run may select them", () =>
      Effect.gen(function* () {
        const error = (tag: string) =>
          RowFailure.encode({ _tag: tag }, String, { attempts: 1, calls: 0, cost: undefined })
        yield* Effect.provide(
          Journal.Journal.use(({ fail }) =>
            Effect.all([fail("a", error("Overloaded")), fail("b", error("Refused")), fail("d", error("Overloaded"))])
          ),
          Layer.fresh(begun(["a", "b", "c", "d"]))
        )
        yield* Effect.gen(function* () {
          const [state] = yield* Journal.states
          assert.deepStrictEqual(yield* state?.reasons ?? Effect.die("the state has no job"), [
            { reason: "Overloaded", rows: 2 },
            { reason: "Refused", rows: 1 }
          ])
          const { pending } = yield* Journal.Journal
          const rows = yield* Stream.runCollect(pending({ reason: "Overloaded" }))
          assert.deepStrictEqual(
            rows.map(({ key }) => key),
            ["a", "d"]
          )
        }).pipe(Effect.provide(begun(["a", "b", "c", "d"])))
      }).pipe(Effect.provide(database))
    )

    it.effect("keeps the command line of the last run that had one", () =>
      Effect.gen(function* () {
        const run = (options: Partial<Journal.Options>) =>
          Effect.provide(
            Journal.Journal.use(({ begin }) => begin(Effect.void)),
            Layer.fresh(Journal.layer({ ...tickets, ...options }))
          )
        const command = Effect.map(Journal.states, ([state]) => state?.command)
        const first = { folder: "/here", args: ["run", "a.ts"], omitted: [] }
        const second = { folder: "/there", args: ["run", "b.ts"], omitted: ["--cache"] }
        yield* run({})
        assert.isNull(yield* command)
        yield* run({ command: first })
        yield* run({ command: second })
        yield* run({})
        assert.deepStrictEqual(yield* command, second)
      }).pipe(Effect.provide(database))
    )

    it.effect("has the batches that were sent and have not ended, the oldest first", () =>
      Effect.gen(function* () {
        const { replies } = yield* Journal.Journal
        const intend = (id: string, createdAt: number, rows: ReadonlyArray<string>) =>
          replies.intend({
            id,
            createdAt,
            batchId: undefined,
            items: rows.map((row) => ({ customId: row, call: callOf(row), requestHash: "1" }))
          })
        yield* intend("later", 2_000_000_000_000, ["a", "b"])
        yield* intend("earlier", 1_900_000_000_000, ["c"])
        yield* intend("not sent", 1, ["d"])
        yield* replies.sent("later", "msgbatch_2")
        yield* replies.sent("earlier", "msgbatch_1")
        const batches = Effect.flatMap(
          Journal.states,
          ([state]) => state?.batches ?? Effect.die("the state has no job")
        )
        assert.deepStrictEqual(yield* batches, [
          { batch: "msgbatch_1", requests: 1, since: 1_900_000_000_000 },
          { batch: "msgbatch_2", requests: 2, since: 2_000_000_000_000 }
        ])
        yield* replies.ended("earlier")
        assert.lengthOf(yield* batches, 1)
      }).pipe(Effect.provide(Layer.provideMerge(begun(["a", "b", "c", "d"]), database)))
    )

    it.effect("is one of several in a database, by name, and there is none before a run has begun", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* Journal.states, [])
        yield* Effect.provide(Journal.Journal, Journal.layer(tickets))
        assert.deepStrictEqual(yield* Journal.states, [])
        yield* Effect.provide(Journal.Journal, begun(["a"], { ...tickets, job: "sorting" }))
        yield* Effect.provide(Journal.Journal, Layer.fresh(begun(["a"], { ...tickets, job: "letters" })))
        assert.deepStrictEqual(
          (yield* Journal.states).map(({ job }) => job),
          ["letters", "sorting"]
        )
      }).pipe(Effect.provide(database))
    )

    it.effect("is refused where another version wrote it", () =>
      Effect.gen(function* () {
        yield* Effect.provide(Journal.Journal, begun(["a"]))
        const sql = yield* SqlClient
        yield* sql`INSERT INTO effect_claude_migrations (migration_id, name) VALUES (1000, 'later')`
        assert.match(
          (yield* Effect.flip(Journal.states)).message,
          /^a newer effect-claude wrote .*: its format is 1000/
        )
        yield* sql`DELETE FROM effect_claude_migrations WHERE migration_id > 5`
        assert.match(
          (yield* Effect.flip(Journal.states)).message,
          /^an earlier effect-claude wrote .*: its format is 5, .*; run the job once more, which brings the state up to date$/
        )
      }).pipe(Effect.provide(database))
    )
  })
}

describe.skipIf(postgres.missing !== "")(`the state of a job on PostgreSQL${postgres.missing}`, () => {
  it.effect("names the connection whose run has the job open", () =>
    Effect.gen(function* () {
      const holders = Effect.flatMap(Journal.states, (states) => Effect.forEach(states, ({ holder }) => holder))
      yield* Effect.provide(Journal.Journal, begun(["a"], { ...tickets, job: "letters" }))
      yield* Effect.gen(function* () {
        yield* Journal.Journal
        const [letters, open] = yield* holders
        assert.isUndefined(letters)
        assert.isNumber(open?.pid)
        assert.isNumber(open?.since)
      }).pipe(Effect.provide(begun(["a"])))
      assert.deepStrictEqual(yield* holders, [undefined, undefined])
    }).pipe(Effect.provide(postgres.layer))
  )
})
