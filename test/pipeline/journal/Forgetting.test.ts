import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import * as Layer from "effect/Layer"
import * as Journal from "../../../src/pipeline/Journal.ts"
import * as JobLock from "../../../src/pipeline/journal/JobLock.ts"
import { postgres } from "./databases.ts"
import { answerOf, begun, callOf, tickets } from "./runs.ts"

describe.skipIf(postgres.missing !== "")(`a job in PostgreSQL${postgres.missing}`, () => {
  it.effect("is forgotten in every table, which leaves other jobs as they are", () =>
    Effect.gen(function* () {
      yield* run("tickets")
      const before = yield* counts
      yield* run("mails")
      assert.notDeepEqual(yield* counts, before)
      yield* Journal.forget("mails")
      assert.deepStrictEqual(yield* counts, before)
      const states = yield* Journal.states
      assert.deepStrictEqual(
        states.map(({ job }) => job),
        ["tickets"]
      )
    }).pipe(Effect.provide(postgres.layer))
  )

  it.effect("is not forgotten while a worker shares it", () =>
    Effect.gen(function* () {
      yield* run("tickets")
      const before = yield* counts
      const error = yield* Effect.gen(function* () {
        yield* JobLock.share(yield* SqlClient, "tickets")
        return yield* Effect.flip(Journal.forget("tickets"))
      }).pipe(Effect.scoped)
      assert.instanceOf(error, Journal.JournalInUse)
      assert.deepStrictEqual(yield* counts, before)
    }).pipe(Effect.provide(postgres.layer))
  )

  it.effect("names its job, or one of its rows, in each table, so that nothing of it stays behind", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* run("tickets")
      const columns = yield* sql`SELECT table_name FROM information_schema.columns WHERE table_schema = current_schema()
        AND column_name IN ('job', 'row_id')`.values
      const owned = new Set(columns.flat())
      assert.deepStrictEqual(
        (yield* tables).filter((name) => !owned.has(name)),
        ["effect_claude_jobs"]
      )
    }).pipe(Effect.provide(postgres.layer))
  )
})

// Builders

const tables = SqlClient.use(
  (sql) =>
    sql`SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()
    AND table_name <> 'effect_claude_migrations' ORDER BY 1`.values
).pipe(Effect.map((rows) => rows.map(([name]) => String(name))))

/** The rows of each table. */
const counts = Effect.gen(function* () {
  const sql = yield* SqlClient
  return yield* Effect.forEach(yield* tables, (name) => sql`SELECT COUNT(*) FROM ${sql(name)}`.values)
})

/** A run that has a row with an answer and a result. */
const run = (job: string) =>
  Effect.gen(function* () {
    const journal = yield* Journal.Journal
    yield* journal.replies.save([answerOf(callOf("a"))])
    yield* journal.finish("a", "1")
  }).pipe(Effect.provide(Layer.fresh(begun(["a"], { ...tickets, job }))))
