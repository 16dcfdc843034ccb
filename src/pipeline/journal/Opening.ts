/**
 * Opens the state of a job for one run: checks that it is ours and fits, brings its tables up to date, and locks it.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import { failed } from "./Attempt.ts"
import * as Differences from "./Differences.ts"
import * as JobLock from "./JobLock.ts"
import type { Opened } from "./JobState.ts"
import { JournalForeign, JournalInUse, JournalMixed, JournalTooNew } from "./JournalError.ts"
import * as Kind from "./Kind.ts"
import type { Settings } from "./RunRecord.ts"
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
  readonly settings?: Settings
  /** The command line that begins this run. */
  readonly command?: Command
}

/** Opens the state until the scope closes. */
export const open = Effect.fnUntraced(function* (options: Options) {
  const sql = (yield* SqlClient).withoutTransforms()
  const state = yield* Effect.mapError(nameOf(sql), (error) => failed(error, ""))
  return yield* Effect.catchTag(
    openNamed(sql, state, options),
    ["MigrationError", "SchemaError", "SqlError"],
    (error) => Effect.fail(failed(error, state))
  )
})

const openNamed = Effect.fnUntraced(function* (sql: SqlClient, state: string, { job, shape, ...options }: Options) {
  const tables = yield* Tables.foreign
  if (tables.length > 0) return yield* new JournalForeign({ state, tables })
  const version = yield* Tables.migrate
  if (version > Tables.version) return yield* new JournalTooNew({ state, version })
  const held = yield* JobLock.take(sql, job)
  if (held === undefined) return yield* new JournalInUse({ state, job })
  const [stored = notStored] = yield* Effect.flatMap(
    sql`SELECT j.run, shape, emulated, kept, has_replies, source,
          CAST(paused_at AS DOUBLE PRECISION) AS paused_at, COALESCE(claimed, 0) AS claimed,
          COALESCE(total, 0) AS total, COALESCE(done, 0) AS done, CAST(COALESCE(size, 0) AS DOUBLE PRECISION) AS size,
          CASE WHEN EXISTS (
            SELECT 1 FROM effect_claude_rows WHERE job = j.id AND state = 1
          ) THEN 1 ELSE 0 END AS has_results
        FROM effect_claude_jobs j LEFT JOIN effect_claude_runs r ON r.job = j.id AND r.run = j.run
        WHERE name = ${job}`,
    decodeStored
  )
  const { claimed, done, has_replies: hasReplies, has_results: hasResults, kept, size, source, total } = stored
  const emulated = options.emulated ?? null
  // A state without answers holds nothing that may be unfit.
  const earlier = hasResults || hasReplies ? stored.emulated : null
  if (earlier !== null && emulated === !earlier) return yield* new JournalMixed({ state, emulated: earlier })
  return {
    sql,
    held,
    job,
    shape,
    settings: options.settings ?? {},
    command: options.command,
    state,
    source,
    kept,
    hasReplies,
    pausedAt: stored.paused_at,
    differences: hasResults ? Differences.between(stored.shape, shape) : [],
    run: stored.run + 1,
    before: { claimed, total, done, size },
    emulated: earlier ?? emulated
  } satisfies Opened
})

const Stored = Schema.Struct({
  ...Kind.Kind.fields,
  run: Schema.Int,
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
  shape: null,
  emulated: null,
  run: 0,
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
