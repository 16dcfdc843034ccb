/**
 * The state of a job in a database: which rows are done, with their output, which failed, with their error, and which
 * are pending. A job that was stopped resumes from it. One database holds the states of many jobs, by name. One layer
 * is one run of a job: rows that the run has not claimed stay in the state, but are not in its outputs and counts.
 */
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { MigrationError } from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as Differences from "./journal/Differences.ts"
import * as JobLock from "./journal/JobLock.ts"
import {
  JournalFailed,
  JournalForeign,
  JournalInUse,
  JournalMismatch,
  JournalMixed,
  JournalTooNew
} from "./journal/JournalError.ts"
import * as RowId from "./journal/RowId.ts"
import * as SqlMessage from "./journal/SqlMessage.ts"
import * as Tables from "./journal/Tables.ts"

export { JournalFailed, JournalForeign, JournalInUse, JournalMismatch, JournalMixed, JournalTooNew }

/** A row of the input: its key, and its place in the input, counted from 0. */
export interface Row {
  readonly key: string
  readonly ordinal: number
}

/**
 * The status of a claimed row in the state: `done` if an earlier run finished it; `duplicate` if this run has claimed
 * its key before; `pending` otherwise.
 */
export type Claim = "pending" | "done" | "duplicate"

/** The claimed rows of a run, by status. */
export const Counts = Schema.Struct({ done: Schema.Int, failed: Schema.Int, pending: Schema.Int })
export type Counts = typeof Counts.Type

/** The rows of one run. */
export class Journal extends Context.Service<
  Journal,
  {
    /**
     * Begins the run with an effect that claims its rows, in one transaction: if it fails, the state stays as it was.
     * The other members need a run that has begun.
     */
    readonly begin: <A, E, R>(claims: Effect.Effect<A, E, R>) => Effect.Effect<A, E | JournalFailed, R>
    /** Claims rows, with one statement per page. Returns the status of each row, in the same order. */
    readonly claim: (rows: ReadonlyArray<Row>) => Effect.Effect<ReadonlyArray<Claim>, JournalFailed>
    /** The claimed rows that are not done, in input order, each once. */
    readonly pending: Stream.Stream<Row, JournalFailed>
    /** Stores the output of a claimed row, one line of JSON. Once this returns, the output survives the process. */
    readonly finish: (key: string, output: string) => Effect.Effect<void, JournalFailed>
    /** Stores the error of a claimed row, as JSON. The next run finds the row pending. */
    readonly fail: (key: string, error: string) => Effect.Effect<void, JournalFailed>
    /** The outputs of the claimed rows, in input order. */
    readonly outputs: Stream.Stream<string, JournalFailed>
    /** The number of bytes that `outputs` takes as the lines of a file. */
    readonly outputSize: Effect.Effect<number, JournalFailed>
    /** The rows that failed in this run, in input order. */
    readonly failures: Stream.Stream<{ readonly key: string; readonly error: string }, JournalFailed>
    /** Counts the rows claimed so far. It reads all of them: use it at the start and at the end of a run. */
    readonly counts: Effect.Effect<Counts, JournalFailed>
    /**
     * Reports who answered a row, before its result is stored: an emulator, or Claude. The first report settles that
     * for the state, unless `Options.emulated` did.
     */
    readonly answered: (emulated: boolean) => Effect.Effect<void, JournalFailed | JournalMixed>
    /** Whether an emulator gave the answers in the state. */
    readonly emulated: Effect.Effect<boolean>
  }
>()("effect-claude/Journal") {}

/** Identifies a job, and what its results depend on. */
export interface Options {
  /** The name of the job: the key of its state in the database. */
  readonly job: string
  /** What makes earlier results unfit for the job when it changes; see `Job.shape`. */
  readonly shape: Schema.Json
  /** Whether an emulator answers, and not Claude. If it is left out, the first answer settles it. */
  readonly emulated?: boolean | undefined
}

/** Rows of one statement. */
const pageSize = 256

/**
 * Opens the state of a job for one run, and creates the tables where they are missing. A PostgreSQL database may hold
 * tables of other programs too; an SQLite file may not. A second run of the same job is kept out: on PostgreSQL by a
 * lock here, on SQLite by that of `Sqlite.layer`.
 */
export const layer = (
  options: Options
): Layer.Layer<
  Journal,
  JournalFailed | JournalForeign | JournalInUse | JournalMismatch | JournalMixed | JournalTooNew,
  SqlClient
> =>
  Layer.effect(
    Journal,
    Effect.gen(function* () {
      const sql = (yield* SqlClient).withoutTransforms()
      const { emulated = null, job: name, shape } = options
      const state = yield* nameOf(sql)
      return journalOf(sql, state, yield* open(sql, state, { name, shape, emulated }))
    }).pipe(Effect.withTracerEnabled(false), Effect.catchTag(["MigrationError", "SchemaError", "SqlError"], failed))
  )

type Job = typeof Tables.Kind.Type & { readonly name: string }

/** Checks that the results in the state fit the job; gives the job as the run that is about to begin stores it. */
const open = Effect.fnUntraced(function* (sql: SqlClient, state: string, job: Job) {
  const tables = yield* Tables.foreign
  if (tables.length > 0) return yield* new JournalForeign({ state, tables })
  const version = yield* Tables.migrate
  if (version > Tables.version) return yield* new JournalTooNew({ state, version })
  if (!(yield* JobLock.take(sql, job.name))) return yield* new JournalInUse({ state, job: job.name })
  const [stored] = yield* Effect.flatMap(
    sql`SELECT shape, emulated, run, CASE WHEN EXISTS (
          SELECT 1 FROM effect_claude_results v WHERE v.job = j.id AND v.done = 1
        ) THEN 1 ELSE 0 END AS fixed FROM effect_claude_jobs j WHERE name = ${job.name}`,
    decodeStored
  )
  if (stored === undefined) return { ...job, run: 1 }
  const run = stored.run + 1
  // A state without results holds nothing that may be unfit.
  if (!stored.fixed) return { ...job, run }
  const differences = Differences.between(stored.shape, job.shape)
  if (differences.length > 0) return yield* new JournalMismatch({ state, job: job.name, differences })
  const emulated = job.emulated ?? stored.emulated
  if (stored.emulated === !emulated) return yield* new JournalMixed({ state, emulated: stored.emulated })
  return { ...job, run, emulated }
})

/** The trace of a row shows one span for storing it, which the caller makes, and none for the statements. */
const quietly = <A>(operation: Effect.Effect<A, SqlError | Schema.SchemaError>) =>
  operation.pipe(Effect.withTracerEnabled(false), Effect.catch(failed))

const journalOf = (
  sql: SqlClient,
  state: string,
  { name, run, ...kind }: Job & { readonly run: number }
): Journal["Service"] => {
  /** The number of the job in the database, which it has once a run has begun. */
  let job = 0
  let { emulated } = kind

  const begin = Effect.gen(function* () {
    const row = { name, run, ...(yield* encodeKind(kind)) }
    const [stored] = yield* Effect.flatMap(
      sql`INSERT INTO effect_claude_jobs ${sql.insert(row)}
          ON CONFLICT (name) DO UPDATE SET run = excluded.run, shape = excluded.shape, emulated = excluded.emulated
          RETURNING id`,
      decodeJobs
    )
    job = stored.id
  })

  const answered = (now: boolean): Effect.Effect<void, JournalFailed | JournalMixed> => {
    if (now === emulated) return Effect.void
    if (emulated !== null) return Effect.fail(new JournalMixed({ state, emulated }))
    emulated = now
    return quietly(sql`UPDATE effect_claude_jobs SET emulated = CAST(${now ? 1 : 0} AS INTEGER) WHERE id = ${job}`)
  }

  /** A statement may touch each row once, so the first of several equal keys in a page stands for all of them. */
  const claimPage = Effect.fnUntraced(function* (page: Arr.NonEmptyReadonlyArray<Row>) {
    const rows = Arr.map(page, ({ key, ordinal }) => ({ job, ...RowId.make(key), run, ordinal }))
    const first = Arr.dedupeWith(rows, (row, other) => row.id === other.id)
    const claimed = yield* Effect.flatMap(
      sql`INSERT INTO effect_claude_rows ${sql.insert(first)}
          ON CONFLICT (job, id) DO UPDATE SET run = excluded.run, ordinal = excluded.ordinal
            WHERE effect_claude_rows.run <> excluded.run
          RETURNING id, COALESCE((
            SELECT v.done FROM effect_claude_results v
            WHERE v.job = effect_claude_rows.job AND v.id = effect_claude_rows.id
          ), 0) AS done`,
      decodeClaims
    )
    const states = new Map(claimed.map(({ done, id }) => [id, done === 1 ? "done" : "pending"] as const))
    return rows.map(({ id }): Claim => {
      const state = states.get(id)
      states.delete(id)
      return state ?? "duplicate"
    })
  })

  const record = (key: string, done: 0 | 1, value: string) =>
    sql`INSERT INTO effect_claude_results (job, id, run, done, value)
        SELECT job, id, run, CAST(${done} AS INTEGER), CAST(${value} AS TEXT) FROM effect_claude_rows
          WHERE job = ${job} AND id = ${RowId.make(key).id} AND run = ${run}
        ON CONFLICT (job, id) DO UPDATE SET run = excluded.run, done = excluded.done, value = excluded.value
        RETURNING id`.pipe(
      Effect.flatMap((rows) => (rows.length === 0 ? Effect.die(`row ${key} was never claimed`) : Effect.void)),
      quietly
    )

  /** The claimed rows, as `r`, with what is stored of each, as `v`. An error counts in the run in which it happened. */
  const claimed = () => sql`effect_claude_rows r
    LEFT JOIN effect_claude_results v ON v.job = r.job AND v.id = r.id AND (v.done = 1 OR v.run = r.run)
    WHERE r.job = ${job} AND r.run = ${run}`

  /** Claimed rows of which `condition` holds, in input order, page by page. */
  const pages = <A extends { readonly ordinal: number }>(
    columns: string,
    condition: string,
    decode: (rows: unknown) => Effect.Effect<ReadonlyArray<A>, Schema.SchemaError>
  ) =>
    Stream.paginate(-1, (after) =>
      sql`SELECT ${sql.literal(columns)} FROM ${claimed()} AND r.ordinal > ${after} AND ${sql.literal(condition)}
          ORDER BY r.ordinal LIMIT ${pageSize}`.pipe(
        Effect.flatMap(decode),
        Effect.map((page) => [page, Option.map(Arr.last(page), ({ ordinal }) => ordinal)] as const),
        quietly
      )
    )

  return {
    // An error of the claims is passed on as it is, even an SqlError.
    begin: (claims) =>
      Effect.andThen(
        Effect.withTracerEnabled(begin, false),
        Effect.mapError(claims, (error) => () => error)
      ).pipe(
        sql.withTransaction,
        Effect.mapError((error) => (typeof error === "function" ? error() : failed(error)))
      ),
    claim: (rows) => quietly(Effect.map(Effect.forEach(Arr.chunksOf(rows, pageSize), claimPage), Arr.flatten)),
    pending: Stream.map(pages("r.id, r.key, r.ordinal", "COALESCE(v.done, 0) = 0", decodeRows), (row) => ({
      key: RowId.keyOf(row),
      ordinal: row.ordinal
    })),
    finish: (key, output) => record(key, 1, output),
    fail: (key, error) => record(key, 0, error),
    outputs: Stream.map(pages("r.ordinal, v.value", "v.done = 1", decodeOutputs), ({ value }) => value),
    outputSize: Effect.suspend(
      () => sql`SELECT CAST(COALESCE(SUM(OCTET_LENGTH(v.value) + 1), 0) AS DOUBLE PRECISION) AS size
        FROM ${claimed()} AND v.done = 1`
    ).pipe(
      Effect.flatMap(decodeSize),
      Effect.map(([{ size }]) => size),
      quietly
    ),
    failures: Stream.map(pages("r.id, r.key, r.ordinal, v.value", "v.done = 0", decodeFailures), (row) => ({
      key: RowId.keyOf(row),
      error: row.value
    })),
    counts: Effect.suspend(
      () => sql`SELECT CAST(COUNT(CASE WHEN v.done = 1 THEN 1 END) AS INTEGER) AS done,
          CAST(COUNT(CASE WHEN v.done = 0 THEN 1 END) AS INTEGER) AS failed,
          CAST(COUNT(CASE WHEN v.done IS NULL THEN 1 END) AS INTEGER) AS pending
        FROM ${claimed()}`
    ).pipe(
      Effect.flatMap(decodeCounts),
      Effect.map(([counts]) => counts),
      quietly
    ),
    answered,
    emulated: Effect.sync(() => emulated === true)
  }
}

const encodeKind = Schema.encodeEffect(Tables.Kind)

const decodeStored = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ ...Tables.Kind.fields, run: Schema.Int, fixed: Schema.BooleanFromBit }))
)
const decodeJobs = Schema.decodeUnknownEffect(Schema.Tuple([Schema.Struct({ id: Schema.Int })]))
const decodeClaims = Schema.decodeUnknownEffect(Schema.Array(Schema.Struct({ id: Schema.String, done: Schema.Int })))
const decodeCounts = Schema.decodeUnknownEffect(Schema.Tuple([Counts]))
const decodeSize = Schema.decodeUnknownEffect(Schema.Tuple([Schema.Struct({ size: Schema.Finite })]))

const storedRow = { id: Schema.String, key: Schema.NullOr(Schema.String), ordinal: Schema.Int }
const decodeRows = Schema.decodeUnknownEffect(Schema.Array(Schema.Struct(storedRow)))
const decodeFailures = Schema.decodeUnknownEffect(Schema.Array(Schema.Struct({ ...storedRow, value: Schema.String })))
const decodeOutputs = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ ordinal: Schema.Int, value: Schema.String }))
)

const failed = (error: MigrationError | SqlError | Schema.SchemaError): JournalFailed => {
  if (Predicate.isTagged(error, "MigrationError")) {
    return isSqlError(error.cause) ? failed(error.cause) : new JournalFailed({ detail: error.message })
  }
  if (Predicate.isTagged(error, "SchemaError")) {
    return new JournalFailed({ detail: `its content is not a journal's, ${error.message}` })
  }
  return new JournalFailed({ detail: SqlMessage.of(error) })
}

/** The path of the file, as SQLite knows it, or the name of the database. */
const nameOf = (sql: SqlClient) =>
  sql.onDialectOrElse({
    sqlite: () =>
      Effect.map(sql`SELECT file FROM pragma_database_list WHERE name = 'main'`.values, (rows) =>
        String(rows[0]?.[0] || "the state")
      ),
    pg: () =>
      Effect.map(sql`SELECT current_database()`.values, (rows) => `the PostgreSQL database ${String(rows[0]?.[0])}`),
    orElse: () => Effect.succeed("the state")
  })
