/**
 * Opens the state of a job for one run: checks that it is ours and fits, brings its tables up to date, and locks it.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import { failed, orFail } from "./Attempt.ts"
import * as Differences from "./Differences.ts"
import * as JobLock from "./JobLock.ts"
import type { Opened } from "./JobState.ts"
import { JournalForeign, JournalInUse, JournalMixed, JournalTooNew } from "./JournalError.ts"
import * as Kind from "./Kind.ts"
import * as RunRecord from "./RunRecord.ts"
import * as Source from "./Source.ts"
import type { Command } from "./StoredCommand.ts"
import * as Tables from "./Tables.ts"

/** Identifies a job, and what its results depend on. */
export interface Options {
  /** The name of the job: the key of its state in the database. */
  readonly job: string
  /** What makes earlier results unfit for the job when it changes; see `Job.shape`. */
  readonly shape: Schema.Json
  /** Whether an emulator answers, and not Claude. If it is left out, the first answer settles it. */
  readonly emulated?: boolean | undefined
  /** How this run was started, for reports. */
  readonly settings?: RunRecord.Settings
  /** The command line that begins this run. */
  readonly command?: Command
  /** Whether the run claims the rows for other processes, with their inputs; it waits until those end their calls. */
  readonly submits?: boolean
}

/** No process has submitted the job, or one is about to. */
export class JobNotSubmitted extends Schema.TaggedError<JobNotSubmitted>()("JobNotSubmitted", {
  state: Schema.String,
  job: Schema.String,
  /** Whether a process has the job, such as one that submits more rows. */
  isInUse: Schema.optionalKey(Schema.Boolean)
}) {
  override get message() {
    if (this.isInUse === true) {
      return `a submission or a run has the job "${this.job}" in ${this.state}; the worker waits until it has ended`
    }
    return `the job "${this.job}" is not submitted to ${this.state} yet`
  }
}

/** Opens the state until the scope closes. */
export const open = Effect.fnUntraced(function* (options: Options) {
  const sql = (yield* SqlClient).withoutTransforms()
  const state = yield* Effect.mapError(nameOf(sql), (error) => failed(error, ""))
  return yield* Effect.catchTag(
    orFail(openNamed(sql, state, options)),
    ["MigrationError", "SchemaError", "SqlError"],
    (error) => Effect.fail(failed(error, state))
  )
})

const openNamed = Effect.fnUntraced(function* (sql: SqlClient, state: string, { job, shape, ...options }: Options) {
  const tables = yield* Tables.foreign
  if (tables.length > 0) return yield* new JournalForeign({ state, tables })
  const version = yield* Tables.migrate
  if (version > Tables.version) return yield* new JournalTooNew({ state, version })
  const submits = options.submits === true
  const held = yield* JobLock.take(sql, job, submits)
  if (held === undefined) return yield* new JournalInUse({ state, job })
  const stored = (yield* read(sql, job)) ?? notStored
  const emulated = options.emulated ?? null
  // A state without answers holds nothing that may be unfit.
  const earlier = hasAnswers(stored) ? stored.emulated : null
  if (earlier !== null && emulated === !earlier) return yield* new JournalMixed({ state, emulated: earlier })
  return {
    ...opening(sql, state, { job, shape, ...options }, stored),
    held,
    role: submits ? "submits" : "alone",
    joined: undefined,
    // Where others are to work on the rows, each row needs its input.
    source: submits && !stored.shared ? null : stored.source,
    run: stored.last + 1,
    emulated: earlier ?? emulated
  } satisfies Opened
})

/** Opens a submitted job to work on its rows, beside other processes. */
export const join = Effect.fnUntraced(function* (options: Options) {
  const sql = (yield* SqlClient).withoutTransforms()
  const state = yield* Effect.mapError(nameOf(sql), (error) => failed(error, ""))
  return yield* Effect.catchTag(
    orFail(joinNamed(sql, state, options)),
    ["MigrationError", "SchemaError", "SqlError"],
    (error) => Effect.fail(failed(error, state))
  )
})

const joinNamed = Effect.fnUntraced(function* (sql: SqlClient, state: string, options: Options) {
  const { emulated, job } = options
  const version = yield* Tables.migrate
  if (version > Tables.version) return yield* new JournalTooNew({ state, version })
  const shared = yield* JobLock.share(sql, job)
  if (shared === undefined) return yield* new JobNotSubmitted({ state, job, isInUse: true })
  const stored = yield* read(sql, job)
  if (stored === undefined || !stored.shared) return yield* new JobNotSubmitted({ state, job })
  if (emulated !== undefined && stored.emulated === !emulated && hasAnswers(stored)) {
    return yield* new JournalMixed({ state, emulated: stored.emulated })
  }
  const { id, run: partOf } = stored
  const beginning = yield* RunRecord.beginning(options.settings ?? {})
  const record = { claimed: stored.claimed, part_of: partOf, total: stored.total, cost: "0", ...beginning }
  const run = yield* shared.held.transaction(
    Effect.gen(function* () {
      yield* sql`SELECT 1 FROM effect_claude_jobs WHERE id = ${id} FOR UPDATE`
      const last = (yield* read(sql, job))?.last ?? partOf
      yield* sql`INSERT INTO effect_claude_runs ${sql.insert({ job: id, run: last + 1, ...record })}`
      if (emulated !== undefined) {
        yield* sql`UPDATE effect_claude_jobs SET emulated = ${Number(emulated)} WHERE id = ${id}`
      }
      return last + 1
    })
  )
  yield* shared.liveAs(id, run)
  return {
    ...opening(sql, state, options, stored),
    // Other processes may finish rows at this moment.
    differences: Differences.between(stored.shape, options.shape),
    held: shared.held,
    role: "works",
    joined: {
      id,
      partOf,
      submission: `${options.job}\n${id} ${partOf} ${stored.began_at}`,
      settings: stored.settings ?? {},
      firstRequest: stored.first_request ?? undefined,
      isWanted: shared.isWanted,
      server: shared.server
    },
    run,
    emulated: emulated ?? stored.emulated
  } satisfies Opened
})

const hasAnswers = (stored: typeof Stored.Type) => stored.has_results || stored.has_replies

/** What every way to open a job takes from the state. */
const opening = (sql: SqlClient, state: string, options: Options, stored: typeof Stored.Type) => {
  const { claimed, done, has_replies: hasReplies, kept, paused_at: pausedAt, size, source, total } = stored
  return {
    sql,
    job: options.job,
    shape: options.shape,
    settings: options.settings ?? {},
    command: options.command,
    state,
    source,
    kept,
    hasReplies,
    pausedAt,
    differences: stored.has_results ? Differences.between(stored.shape, options.shape) : [],
    before: { claimed, total, done, size }
  }
}

/** Undefined where no run of the job has begun. */
const read = Effect.fnUntraced(function* (sql: SqlClient, job: string) {
  const workers = (column: "done" | "size") => sql`COALESCE((
    SELECT SUM(w.${sql(column)}) FROM effect_claude_runs w WHERE w.job = r.job AND w.part_of = r.run), 0)`
  const [stored] = yield* Effect.flatMap(
    sql`SELECT j.id, j.run, shape, emulated, kept, has_replies, source, COALESCE(r.shared, 0) AS shared, r.settings,
          r.first_request, CAST(r.began_at AS DOUBLE PRECISION) AS began_at,
          CAST(paused_at AS DOUBLE PRECISION) AS paused_at, COALESCE(claimed, 0) AS claimed,
          COALESCE((SELECT MAX(l.run) FROM effect_claude_runs l WHERE l.job = j.id), j.run) AS last,
          COALESCE(total, 0) AS total, CAST(COALESCE(done, 0) + ${workers("done")} AS INTEGER) AS done,
          CAST(COALESCE(size, 0) + ${workers("size")} AS DOUBLE PRECISION) AS size,
          CASE WHEN EXISTS (
            SELECT 1 FROM effect_claude_rows WHERE job = j.id AND state = 1
          ) THEN 1 ELSE 0 END AS has_results
        FROM effect_claude_jobs j LEFT JOIN effect_claude_runs r ON r.job = j.id AND r.run = j.run
        WHERE name = ${job}`,
    decodeStored
  )
  return stored
})

const Stored = Schema.Struct({
  ...Kind.Kind.fields,
  id: Schema.Int,
  run: Schema.Int,
  /** The number of the last run; runs of workers count too. */
  last: Schema.Int,
  /** Whether the run has claimed the rows for other processes. */
  shared: Schema.BooleanFromBit,
  settings: Schema.NullOr(RunRecord.StoredSettings),
  first_request: Schema.NullOr(Schema.String),
  began_at: Schema.NullOr(Schema.Finite),
  kept: Schema.Int,
  has_replies: Schema.BooleanFromBit,
  has_results: Schema.BooleanFromBit,
  source: Source.Column,
  paused_at: Schema.NullOr(Schema.Finite),
  claimed: Schema.Int,
  total: Schema.Int,
  done: Schema.Int,
  size: Schema.Finite
})

const decodeStored = Schema.decodeUnknownEffect(Schema.Array(Stored))

/** A job that no run has begun. */
const notStored: typeof Stored.Type = {
  id: 0,
  shape: null,
  emulated: null,
  run: 0,
  last: 0,
  shared: false,
  settings: null,
  first_request: null,
  began_at: null,
  kept: 0,
  has_replies: false,
  has_results: false,
  source: null,
  paused_at: null,
  claimed: 0,
  total: 0,
  done: 0,
  size: 0
}

/** The path of the file, as SQLite knows it, or the name of the database. */
export const nameOf = (sql: SqlClient) =>
  sql.onDialectOrElse({
    sqlite: () =>
      Effect.map(sql`SELECT file FROM pragma_database_list WHERE name = 'main'`.values, (rows) =>
        String(rows[0]?.[0] || "the state")
      ),
    pg: () =>
      Effect.map(sql`SELECT current_database()`.values, (rows) => `the PostgreSQL database ${String(rows[0]?.[0])}`),
    orElse: () => Effect.succeed("the state")
  })
