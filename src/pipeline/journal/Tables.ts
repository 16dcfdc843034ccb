/**
 * The tables of a journal, and the way from every earlier layout to today's. One database holds many jobs. The names begin
 * with `effect_claude_`, apart from the tables of other programs.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Migrator from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"
import { isSqlite } from "./Dialect.ts"
import * as OldTables from "./OldTables.ts"

/** Records which migrations have run. */
const migrationsTable = "effect_claude_migrations"

/** The state of a row, in `effect_claude_rows.state`. The conditions of the indexes below contain these numbers. */
export const states = { pending: 0, done: 1, failed: 2 } as const

/**
 * A row has a number, so that the tables of results and replies have short keys that grow with time: their pages fill in
 * order. A reply is added and never replaced. A run keeps the totals of the rows that it has claimed, or taken over from
 * the run `claimed`, so that no run reads all rows.
 */
const createTables = Effect.gen(function* () {
  const sql = yield* SqlClient
  const number = sql.literal(isSqlite(sql) ? "INTEGER" : "BIGINT")
  const identity = sql.literal(isSqlite(sql) ? "INTEGER" : "BIGINT GENERATED ALWAYS AS IDENTITY")
  for (const column of ["kept INTEGER NOT NULL DEFAULT 0", "has_replies INTEGER NOT NULL DEFAULT 0", "source TEXT"]) {
    yield* sql`ALTER TABLE effect_claude_jobs ADD COLUMN ${sql.literal(column)}`
  }
  yield* sql`CREATE TABLE effect_claude_runs (
    job INTEGER NOT NULL, run INTEGER NOT NULL, claimed INTEGER NOT NULL, total INTEGER NOT NULL DEFAULT 0,
    done INTEGER NOT NULL DEFAULT 0, size BIGINT NOT NULL DEFAULT 0, calls INTEGER NOT NULL DEFAULT 0,
    cost TEXT NOT NULL, unpriced INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (job, run))`
  yield* sql`CREATE TABLE effect_claude_rows (
    id ${identity} PRIMARY KEY, job INTEGER NOT NULL, name TEXT NOT NULL, key TEXT, run INTEGER NOT NULL,
    ordinal INTEGER NOT NULL, state INTEGER NOT NULL, size INTEGER NOT NULL, UNIQUE (job, name))`
  yield* sql`CREATE INDEX effect_claude_rows_open ON effect_claude_rows (job, run, ordinal) WHERE state <> 1`
  yield* sql`CREATE INDEX effect_claude_rows_done ON effect_claude_rows (job, run, ordinal) WHERE state = 1`
  yield* sql`CREATE TABLE effect_claude_results (
    row_id ${number} PRIMARY KEY, run INTEGER NOT NULL, value TEXT NOT NULL)`
  yield* sql`CREATE TABLE effect_claude_calls (
    id ${identity} PRIMARY KEY, row_id ${number} NOT NULL, path TEXT NOT NULL, hash TEXT NOT NULL,
    occurrence INTEGER NOT NULL, rejected INTEGER NOT NULL, request_id TEXT, checksum TEXT NOT NULL,
    message TEXT NOT NULL, request TEXT)`
  yield* sql`CREATE INDEX effect_claude_calls_of_rows ON effect_claude_calls (row_id)`
  yield* sql`CREATE TABLE effect_claude_batches (
    id TEXT PRIMARY KEY, job INTEGER NOT NULL, created_at BIGINT NOT NULL, batch_id TEXT, ended INTEGER NOT NULL)`
  yield* sql`CREATE INDEX effect_claude_batches_sent ON effect_claude_batches (batch_id)`
  yield* sql`CREATE TABLE effect_claude_batch_items (
    batch TEXT NOT NULL, custom_id TEXT NOT NULL, row_id ${number} NOT NULL, path TEXT NOT NULL, hash TEXT NOT NULL,
    occurrence INTEGER NOT NULL, request_hash TEXT NOT NULL, PRIMARY KEY (batch, custom_id))`
})

/** Version 5: the rows of versions 3 and 4 get numbers and states. Their calls were not stored, so none is ever sampled. */
const moveVersion4 = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`ALTER TABLE effect_claude_rows RENAME TO effect_claude_rows_4`
  yield* sql`ALTER TABLE effect_claude_results RENAME TO effect_claude_results_4`
  yield* createTables
  yield* sql`UPDATE effect_claude_jobs SET kept = run`
  yield* sql`INSERT INTO effect_claude_rows (job, name, key, run, ordinal, state, size)
    SELECT r.job, r.id, r.key, r.run, r.ordinal,
      CASE v.done WHEN 1 THEN 1 WHEN 0 THEN 2 ELSE 0 END,
      CASE v.done WHEN 1 THEN OCTET_LENGTH(v.value) + 1 ELSE 0 END
    FROM effect_claude_rows_4 r LEFT JOIN effect_claude_results_4 v ON v.job = r.job AND v.id = r.id
    ORDER BY r.job, r.run, r.ordinal`
  yield* sql`INSERT INTO effect_claude_results (row_id, run, value)
    SELECT r.id, v.run, v.value FROM effect_claude_rows r
    JOIN effect_claude_results_4 v ON v.job = r.job AND v.id = r.name ORDER BY r.id`
  yield* sql`DROP TABLE effect_claude_results_4`
  yield* sql`DROP TABLE effect_claude_rows_4`
})

/** Version 6: what calls may have cost whose bill is not stored, over all runs, in each unit of a budget. */
const addUnsettled = Effect.gen(function* () {
  const sql = yield* SqlClient
  for (const column of ["unsettled_usd", "unsettled_tokens"]) {
    yield* sql`ALTER TABLE effect_claude_jobs ADD COLUMN ${sql(column)} TEXT NOT NULL DEFAULT '0'`
  }
})

/**
 * Version 7: what a report needs besides replies. The columns of a call are null for calls of earlier versions, and those
 * of a run for earlier runs. `stored_at` and `started_at` are milliseconds since 1970, and durations milliseconds.
 */
const addCallLog = Effect.gen(function* () {
  const sql = yield* SqlClient
  const number = isSqlite(sql) ? "INTEGER" : "BIGINT"
  const identity = sql.literal(isSqlite(sql) ? "INTEGER" : "BIGINT GENERATED ALWAYS AS IDENTITY")
  const ofCalls = ["run INTEGER", `stored_at ${number}`, "duration INTEGER", "first_token INTEGER", "origin TEXT"]
  for (const column of ofCalls) yield* sql`ALTER TABLE effect_claude_calls ADD COLUMN ${sql.literal(column)}`
  const times = [`began_at ${number}`, `ended_at ${number}`, "settings TEXT"]
  for (const column of [...times, "outcome TEXT", "detail TEXT", "failed INTEGER", "invalid INTEGER"]) {
    yield* sql`ALTER TABLE effect_claude_runs ADD COLUMN ${sql.literal(column)}`
  }
  yield* sql`CREATE TABLE effect_claude_attempts (
    id ${identity} PRIMARY KEY, row_id ${sql.literal(number)} NOT NULL, run INTEGER NOT NULL, path TEXT NOT NULL,
    model TEXT NOT NULL, started_at ${sql.literal(number)} NOT NULL, duration INTEGER NOT NULL, reason TEXT NOT NULL,
    code TEXT, status INTEGER, request_id TEXT, billed TEXT)`
  yield* sql`CREATE INDEX effect_claude_attempts_of_rows ON effect_claude_attempts (row_id)`
  yield* sql`CREATE TABLE effect_claude_minutes (
    job INTEGER NOT NULL, run INTEGER NOT NULL, minute INTEGER NOT NULL, detail TEXT NOT NULL,
    PRIMARY KEY (job, run, minute))`
})

/**
 * Version 8: what other processes ask of a run, whether a job is paused (since `paused_at`), how many rows were done when a
 * run began, the command line that began a run last, and an index of failed rows.
 */
const addControls = Effect.gen(function* () {
  const sql = yield* SqlClient
  const number = isSqlite(sql) ? "INTEGER" : "BIGINT"
  const identity = sql.literal(isSqlite(sql) ? "INTEGER" : "BIGINT GENERATED ALWAYS AS IDENTITY")
  yield* sql`CREATE TABLE effect_claude_controls (
    id ${identity} PRIMARY KEY, job INTEGER NOT NULL, created_at ${sql.literal(number)} NOT NULL,
    control TEXT NOT NULL, outcome TEXT)`
  yield* sql`CREATE INDEX effect_claude_controls_waiting ON effect_claude_controls (job, id) WHERE outcome IS NULL`
  yield* sql`ALTER TABLE effect_claude_jobs ADD COLUMN paused_at ${sql.literal(number)}`
  yield* sql`ALTER TABLE effect_claude_jobs ADD COLUMN command TEXT`
  yield* sql`ALTER TABLE effect_claude_runs ADD COLUMN done_before INTEGER`
  yield* sql`CREATE INDEX effect_claude_rows_failed ON effect_claude_rows (job, run, ordinal) WHERE state = 2`
})

/**
 * Version 9: what several processes share. A run with `shared` claims rows for others, and one with `part_of` works on the
 * rows of that run. `allotted_usd` and `allotted_tokens` are what a process may spend of the budget of the job. A chunk is
 * `open` while its rows may be pending, `sent` once the queue has it, and its `holder` is the run of the process that took
 * it last; see `Chunks`. A `late` reply was stored by a process that no longer held the chunk.
 */
const addChunks = Effect.gen(function* () {
  const sql = yield* SqlClient
  const number = sql.literal(isSqlite(sql) ? "INTEGER" : "BIGINT")
  for (const column of ["shared INTEGER", "part_of INTEGER", "allotted_usd TEXT", "allotted_tokens TEXT"]) {
    yield* sql`ALTER TABLE effect_claude_runs ADD COLUMN ${sql.literal(column)}`
  }
  yield* sql`ALTER TABLE effect_claude_calls ADD COLUMN late INTEGER NOT NULL DEFAULT 0`
  yield* sql`CREATE TABLE effect_claude_inputs (row_id ${number} PRIMARY KEY, form TEXT NOT NULL, value TEXT NOT NULL)`
  yield* sql`CREATE TABLE effect_claude_chunks (
    job INTEGER NOT NULL, first ${number} NOT NULL, generation INTEGER NOT NULL, open INTEGER NOT NULL,
    sent INTEGER NOT NULL, holder INTEGER, starts INTEGER NOT NULL, trying ${number}, strikes INTEGER NOT NULL,
    PRIMARY KEY (job, first))`
})

/** Version 10: the first request of a job that is submitted for other processes, by which they compare their programs. */
const addFirstRequest = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`ALTER TABLE effect_claude_runs ADD COLUMN first_request TEXT`
})

/**
 * Version 11, of a process beside others: the calls that it may have in flight (`granted`), how many it could use (`wants`),
 * and `waits`: 1 while one of its calls waits for money, plus 2 while it has nothing of the budget to give back.
 */
const addGrants = Effect.gen(function* () {
  const sql = yield* SqlClient
  for (const column of ["granted INTEGER", "wants INTEGER", "waits INTEGER"]) {
    yield* sql`ALTER TABLE effect_claude_runs ADD COLUMN ${sql.literal(column)}`
  }
})

/**
 * Version 12: the calls of workers whose batches another process sends. A call belongs to the run `asker`, was `taken` by
 * the run that sends it, and has ended where `state` is 1: with a reply in the journal, or with a failure. A run with
 * `sends` sends batches for the others. A worker was alive at `seen_at`, in milliseconds since 1970, and `quiet` if each of
 * its rows waited.
 */
const addWanted = Effect.gen(function* () {
  const sql = yield* SqlClient
  const number = sql.literal(isSqlite(sql) ? "INTEGER" : "BIGINT")
  yield* sql`CREATE TABLE effect_claude_wanted (
    job INTEGER NOT NULL, row_id ${number} NOT NULL, key TEXT NOT NULL, path TEXT NOT NULL, hash TEXT NOT NULL,
    occurrence INTEGER NOT NULL, request TEXT NOT NULL, asker INTEGER NOT NULL, taken INTEGER NOT NULL DEFAULT 0,
    state INTEGER NOT NULL DEFAULT 0, failure TEXT, PRIMARY KEY (row_id, key))`
  yield* sql`CREATE INDEX effect_claude_wanted_open ON effect_claude_wanted (job, taken, row_id) WHERE state = 0`
  yield* sql`CREATE INDEX effect_claude_wanted_ended ON effect_claude_wanted (job, asker) WHERE state <> 0`
  yield* sql`ALTER TABLE effect_claude_runs ADD COLUMN sends INTEGER`
  yield* sql`ALTER TABLE effect_claude_runs ADD COLUMN seen_at ${number}`
  yield* sql`ALTER TABLE effect_claude_runs ADD COLUMN quiet INTEGER NOT NULL DEFAULT 0`
})

/** The tables of an SQLite file that another program made. A cache of Effect's may share a file with a journal. */
export const foreign = Effect.gen(function* () {
  const sql = yield* SqlClient
  if (!isSqlite(sql) || (yield* OldTables.hasVersion2)) return []
  const names = yield* sql`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`.values
  return names.some(([name]) => String(name).startsWith("effect_")) ? [] : names.map(([name]) => String(name))
})

/** Every change of the layout, by its number. The first two layouts had no migrations. */
export const migrations = {
  "3_create_tables": OldTables.create,
  "4_move_version_2": OldTables.moveVersion2,
  "5_move_version_4": moveVersion4,
  "6_add_unsettled": addUnsettled,
  "7_add_call_log": addCallLog,
  "8_add_controls": addControls,
  "9_add_chunks": addChunks,
  "10_add_first_request": addFirstRequest,
  "11_add_grants": addGrants,
  "12_add_wanted": addWanted
}

/** The layout that this version of the library knows. */
export const version = 12

/** Brings the tables up to date. Gives the layout of the database, which is above `version` in a newer one. */
export const migrate = Effect.gen(function* () {
  yield* Migrator.make({})({ loader: Migrator.fromRecord(migrations), table: migrationsTable })
  return (yield* latest).version
})

/** The layout of a database; undefined if it has no tables of a journal. */
export const layout = Effect.gen(function* () {
  const sql = yield* SqlClient
  const found = isSqlite(sql)
    ? yield* sql`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ${migrationsTable}`
    : yield* sql`SELECT 1 WHERE to_regclass(${migrationsTable}) IS NOT NULL`
  if (found.length > 0) return (yield* latest).version
  return isSqlite(sql) && (yield* OldTables.hasVersion2) ? 2 : undefined
})

const latest = Effect.gen(function* () {
  const sql = yield* SqlClient
  const [latest] = yield* Effect.flatMap(
    sql`SELECT MAX(migration_id) AS version FROM ${sql(migrationsTable)}`,
    Schema.decodeUnknownEffect(Schema.Tuple([Schema.Struct({ version: Schema.Int })]))
  )
  return latest
})
