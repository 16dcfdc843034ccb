/**
 * Removes a job from a database that holds other jobs too: its rows, replies, results and runs. The job must have no run
 * and no worker.
 */
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import * as Attempt from "./Attempt.ts"
import * as JobLock from "./JobLock.ts"
import { JournalInUse } from "./JournalError.ts"
import * as Opening from "./Opening.ts"

/** Every table of a journal that has rows of a job names the job, or one of its rows, in one of these columns. */
const columns = ["row_id", "job"] as const

/** Removes a job by its name, in one transaction. Only for PostgreSQL: an SQLite file holds one job, and can be deleted. */
export const forget = Effect.fn("Journal.forget")(function* (name: string) {
  const sql = (yield* SqlClient).withoutTransforms()
  const state = yield* Effect.mapError(Opening.nameOf(sql), (error) => Attempt.failed(error, ""))
  return yield* Effect.gen(function* () {
    const lock = yield* JobLock.take(sql, name)
    if (lock === undefined) return yield* new JournalInUse({ state, job: name })
    yield* lock.transaction(remove(sql, name))
  }).pipe(
    Effect.scoped,
    Effect.catchTag("SqlError", (error) => Effect.fail(Attempt.failed(error, state)))
  )
})

const remove = Effect.fnUntraced(function* (sql: SqlClient, name: string) {
  const job = sql`(SELECT id FROM effect_claude_jobs WHERE name = ${name})`
  const owned = {
    row_id: sql`row_id IN (SELECT id FROM effect_claude_rows WHERE job = ${job})`,
    job: sql`job = ${job}`
  }
  for (const column of columns) {
    const tables = yield* sql`SELECT table_name FROM information_schema.columns WHERE table_schema = current_schema()
      AND starts_with(table_name, 'effect_claude_') AND column_name = ${column}`.values
    for (const [table] of tables) yield* sql`DELETE FROM ${sql(String(table))} WHERE ${owned[column]}`
  }
  yield* sql`DELETE FROM effect_claude_jobs WHERE name = ${name}`
})
