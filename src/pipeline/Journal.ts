/**
 * The state of a job in a database: which rows are done, with their output, which failed, with their failure, which are
 * pending, and every reply that was paid for. A job that was stopped resumes from it. One database holds the states of
 * many jobs, by name. One layer is one run of a job: rows that the run has not claimed stay in the state, but are not in
 * its outputs and counts.
 */
import type * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Scope } from "effect/Scope"
import type { MigrationError } from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as Cost from "../claude/Cost.ts"
import * as Reply from "../claude/Reply.ts"
import * as ReplyStore from "../claude/ReplyStore.ts"
import * as StoredReply from "../claude/StoredReply.ts"
import type { DatasetFailed } from "./Dataset.ts"
import * as Batches from "./journal/Batches.ts"
import * as Calls from "./journal/Calls.ts"
import type { StoredCall } from "./journal/Calls.ts"
import * as Claimed from "./journal/Claimed.ts"
import type { Claim, Row } from "./journal/Claimed.ts"
import * as Differences from "./journal/Differences.ts"
import * as GroupCommit from "./journal/GroupCommit.ts"
import * as JobLock from "./journal/JobLock.ts"
import * as JobState from "./journal/JobState.ts"
import {
  JournalFailed,
  JournalForeign,
  JournalInUse,
  JournalMismatch,
  JournalMixed,
  JournalTooNew
} from "./journal/JournalError.ts"
import * as Kind from "./journal/Kind.ts"
import * as RequestText from "./journal/RequestText.ts"
import * as RowId from "./journal/RowId.ts"
import * as RowNumbers from "./journal/RowNumbers.ts"
import * as Sample from "./journal/Sample.ts"
import type { SampledRow } from "./journal/Sample.ts"
import * as SqlMessage from "./journal/SqlMessage.ts"
import * as Tables from "./journal/Tables.ts"
import * as Spent from "./journal/Total.ts"
import * as Writes from "./journal/Writes.ts"

export { JournalFailed, JournalForeign, JournalInUse, JournalMismatch, JournalMixed, JournalTooNew }
export type { Claim, Row, SampledRow, StoredCall }
export type Total = Spent.Total

/** A row that is to run. */
export interface PendingRow extends Row {
  /** Whether an earlier run failed on it. */
  readonly hasFailed: boolean
  readonly replies: ReadonlyArray<StoredCall>
}

/** The claimed rows of a run, by status. Rows that failed in an earlier run are pending. */
export const Counts = Schema.Struct({ done: Schema.Int, failed: Schema.Int, pending: Schema.Int })
export type Counts = typeof Counts.Type

/** The input whose rows are claimed. */
export const Source = Schema.Struct({
  /** It is the same as long as the input is. */
  fingerprint: Schema.String,
  /** Rows of the input, invalid ones included. */
  total: Schema.Int,
  invalid: Schema.Int,
  /** Messages for the first invalid rows. */
  problems: Schema.Array(Schema.String),
  /** The places of the first rows that cannot be read, counted from 0. */
  unreadable: Schema.Array(Schema.Int)
})
export type Source = typeof Source.Type

/** What a job was billed. */
export interface Totals {
  readonly run: Total
  /** In all runs, this one included. */
  readonly all: Total
}

/** The state of one run. */
export class Journal extends Context.Service<
  Journal,
  {
    /**
     * Begins the run with an effect that claims its rows, in one transaction: if it fails, the state stays as it was.
     * The other members need a run that has begun.
     */
    readonly begin: <A, E, R>(claims: Effect.Effect<A, E, R>) => Effect.Effect<A, E | JournalFailed, R>
    /** Claims rows, in pages. Returns the status of each row, in the same order. */
    readonly claim: (rows: ReadonlyArray<Row>) => Effect.Effect<ReadonlyArray<Claim>, JournalFailed>
    /** The source of the rows that an earlier run claimed, where it stored one. */
    readonly source: Source | undefined
    /** Claims all rows that the earlier run claimed, without reading them. Their source stays. */
    readonly reclaim: Effect.Effect<void>
    /** Stores the source of the claimed rows. A run that claims rows and stores none forgets the earlier one. */
    readonly setSource: (source: Source) => Effect.Effect<void>
    /** Forgets the source, once the run has begun, so that the next run claims its rows one by one. */
    readonly forgetSource: Effect.Effect<void, JournalFailed>
    /** The file, or the name of the database. */
    readonly state: string
    /** How the shape of the job differs from that of the finished rows, in words. Empty if no row is finished. */
    readonly differences: ReadonlyArray<string>
    /** Finished rows, the first and the last among them, to see whether the program has changed since. */
    readonly sample: (count: number) => Effect.Effect<ReadonlyArray<SampledRow>, JournalFailed>
    /** Accepts the finished rows as they are: `sample` leaves them out from now on. */
    readonly keep: Effect.Effect<void, JournalFailed>
    /** Makes every finished or failed row pending again. Replies stay. */
    readonly rerun: Effect.Effect<void, JournalFailed>
    /**
     * The claimed rows that are not done, or those that an earlier run failed on, in input order, each once, with their
     * replies.
     */
    readonly pending: (which: "all" | "failed") => Stream.Stream<PendingRow, JournalFailed>
    /**
     * Stores the output of a pending row, one line of JSON, and appends it to what `appendTo` named. Once this returns,
     * the output survives the process.
     */
    readonly finish: (key: string, output: string) => Effect.Effect<void, JournalFailed | DatasetFailed>
    /** Names what appends the outputs of finished rows. It is called once for all rows of a commit. */
    readonly appendTo: (
      append: (outputs: ReadonlyArray<string>) => Effect.Effect<void, DatasetFailed>
    ) => Effect.Effect<void>
    /** Stores the failure of a pending row, as JSON. The next run finds the row pending. */
    readonly fail: (key: string, failure: string) => Effect.Effect<void, JournalFailed>
    /** Keeps replies and batches. Saving a reply adds its cost to the totals, if it is billed now. */
    readonly replies: ReplyStore.ReplyStore
    /** Marks the reply of a call as one that the program could not use. */
    readonly reject: (call: ReplyStore.CallKey) => Effect.Effect<void, JournalFailed>
    /** Adds a billed call without a reply to the totals. `undefined` is an unknown price. */
    readonly spend: (cost: BigDecimal.BigDecimal | undefined) => Effect.Effect<void, JournalFailed>
    readonly totals: Effect.Effect<Totals, JournalFailed>
    /** The outputs of the claimed rows, in input order. */
    readonly outputs: Stream.Stream<string, JournalFailed>
    /** The number of bytes that `outputs` takes as the lines of a file. */
    readonly outputSize: Effect.Effect<number>
    /** The rows that failed in this run, in input order. */
    readonly failures: Stream.Stream<Row & { readonly error: string }, JournalFailed>
    readonly counts: Effect.Effect<Counts>
    /**
     * Reports who answered a row, before its result is stored: an emulator, or Claude. The first report settles that
     * for the state, unless `Options.emulated` did. Saving a reply reports it too.
     */
    readonly answered: (emulated: boolean) => Effect.Effect<void, JournalMixed>
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

/**
 * Opens the state of a job for one run, and creates the tables where they are missing. A PostgreSQL database may hold
 * tables of other programs too; an SQLite file may not. A second run of the same job is kept out: on PostgreSQL by a
 * lock here, on SQLite by that of `Sqlite.layer`.
 */
export const layer = (
  options: Options
): Layer.Layer<Journal, JournalFailed | JournalForeign | JournalInUse | JournalMixed | JournalTooNew, SqlClient> =>
  Layer.effect(
    Journal,
    Effect.gen(function* () {
      const sql = (yield* SqlClient).withoutTransforms()
      const state = yield* nameOf(sql)
      return yield* journalOf(yield* open(sql, state, options))
    }).pipe(Effect.withTracerEnabled(false), Effect.catchTag(["MigrationError", "SchemaError", "SqlError"], failed))
  )

/** The state of a job that a run has opened and not begun. */
interface Opened extends Pick<Options, "job" | "shape"> {
  readonly sql: SqlClient
  readonly held: JobLock.Held
  /** The file, or the name of the database. */
  readonly state: string
  readonly emulated: boolean | null
  readonly differences: ReadonlyArray<string>
  readonly stored: Stored
}

/** Checks that the answers in the state fit the job. */
const open = Effect.fnUntraced(function* (sql: SqlClient, state: string, { job, shape, ...options }: Options) {
  const { emulated = null }: { readonly emulated?: boolean | null | undefined } = options
  const tables = yield* Tables.foreign
  if (tables.length > 0) return yield* new JournalForeign({ state, tables })
  const version = yield* Tables.migrate
  if (version > Tables.version) return yield* new JournalTooNew({ state, version })
  const held = yield* JobLock.take(sql, job)
  if (held === undefined) return yield* new JournalInUse({ state, job })
  const [stored] = yield* Effect.flatMap(
    sql`SELECT shape, emulated, run, claimed, total, done, CAST(size AS DOUBLE PRECISION) AS size, kept, has_replies,
          source, CASE WHEN EXISTS (
            SELECT 1 FROM effect_claude_rows r WHERE r.job = j.id AND r.state = 1
          ) THEN 1 ELSE 0 END AS has_results
        FROM effect_claude_jobs j WHERE name = ${job}`,
    decodeStored
  )
  const opened: Opened = { sql, held, state, job, shape, emulated, differences: [], stored: stored ?? notStored }
  if (stored === undefined) return opened
  const hasAnswers = stored.has_results || stored.has_replies
  if (hasAnswers && stored.emulated !== null && stored.emulated !== (emulated ?? stored.emulated)) {
    return yield* new JournalMixed({ state, emulated: stored.emulated })
  }
  return {
    ...opened,
    emulated: hasAnswers ? (emulated ?? stored.emulated) : emulated,
    differences: stored.has_results ? Differences.between(stored.shape, shape) : []
  } satisfies Opened
})

/** The trace of a row shows one span for storing it, which the caller makes, and none for the statements. */
const quietly = <A>(operation: Effect.Effect<A, SqlError | Schema.SchemaError>) =>
  operation.pipe(Effect.withTracerEnabled(false), Effect.catch(failed))

const journalOf = Effect.fnUntraced(function* (opened: Opened): Effect.fn.Return<Journal["Service"], never, Scope> {
  const { differences, held, shape, sql, state, stored } = opened
  const job = JobState.make({
    sql,
    held,
    run: stored.run + 1,
    previous: stored.claimed,
    kept: stored.kept,
    emulated: opened.emulated,
    hasReplies: stored.has_replies
  })
  const rows = RowNumbers.make(job)
  const commit = Writes.commit(job)
  const write = yield* GroupCommit.make<Writes.Write, JournalFailed>((writes) => quietly(commit(writes)))
  const change = (effect: Effect.Effect<unknown, SqlError>) => write({ _tag: "Change", effect })
  let appendLines: ((outputs: ReadonlyArray<string>) => Effect.Effect<void, DatasetFailed>) | undefined
  const append = yield* GroupCommit.make((outputs: ReadonlyArray<string>) => appendLines?.(outputs) ?? Effect.void)
  let source: Source | null = null

  const begin = Effect.gen(function* () {
    const { run } = job
    const kind = yield* Kind.encode({ shape, emulated: job.emulated })
    const [{ id }] = yield* Effect.flatMap(
      sql`INSERT INTO effect_claude_jobs ${sql.insert({ name: opened.job, run, ...kind })}
          ON CONFLICT (name) DO UPDATE SET run = excluded.run, shape = excluded.shape, emulated = excluded.emulated
          RETURNING id`,
      decodeJobs
    )
    job.id = id
    yield* sql`INSERT INTO effect_claude_runs ${sql.insert({ job: id, run, calls: 0, cost: "0", unpriced: 0 })}`
  })

  const storeClaims = Effect.suspend(() => {
    const { claimed, done, id, size, total } = job
    const text = source === null ? null : encodeSource(source)
    return sql`UPDATE effect_claude_jobs SET claimed = ${claimed}, total = ${total}, done = ${done}, size = ${size},
      source = ${text} WHERE id = ${id}`
  })

  const answered = (emulated: boolean): Effect.Effect<void, JournalMixed> =>
    Effect.suspend(() => {
      if (job.emulated === !emulated) return Effect.fail(new JournalMixed({ state, emulated: job.emulated }))
      job.emulated = emulated
      return Effect.void
    })

  const record = (key: string, state: Writes.Result["state"], value: string) =>
    Effect.flatMap(quietly(rows.find(key)), ({ isOpen, number: row }) => {
      if (!isOpen) return Effect.die(`row ${key} is not pending in this run`)
      return Effect.map(write({ _tag: "Result", row, state, value }), () => rows.forget(key))
    })

  const pendingPage = Effect.fnUntraced(function* (page: Effect.Success<ReturnType<typeof decodePending>>) {
    const { claimed, hasReplies, id } = job
    const [from, to] = [page[0]?.ordinal, page.at(-1)?.ordinal]
    const numbers = sql`SELECT id FROM effect_claude_rows WHERE job = ${id} AND run = ${claimed} AND state <> 1
      AND ordinal >= ${from} AND ordinal <= ${to}`
    const replies = hasReplies ? yield* Calls.ofRows(job, numbers) : undefined
    return page.map(({ key: long, name, number, ordinal, state }): PendingRow => {
      const key = RowId.keyOf({ id: name, key: long })
      rows.remember(key, { number, ordinal, isOpen: true })
      return { key, ordinal, hasFailed: state === Tables.states.failed, replies: replies?.get(number) ?? [] }
    })
  })

  const save = Effect.fnUntraced(function* (answers: ReadonlyArray<ReplyStore.Answer>) {
    const at = new Date((yield* Clock.Clock).currentTimeMillisUnsafe())
    const replies: Array<Writes.Replies["replies"][number]> = []
    const bills: Array<BigDecimal.BigDecimal | undefined> = []
    for (const { call, reply, request } of answers) {
      yield* answered(Reply.isEmulated(reply.requestId))
      const { number: row, ordinal } = yield* quietly(rows.find(call.row))
      const canonical = request !== undefined && Sample.keepsRequests(ordinal) ? RequestText.of(request) : null
      replies.push({ row, call, reply: StoredReply.encode(reply), request: canonical })
      if (Reply.isBilled(reply.origin)) bills.push(Cost.billed(reply, at))
    }
    if (replies.length > 0) yield* write({ _tag: "Replies", replies, bills })
  })

  const stores = <A>(effect: Effect.Effect<A, JournalFailed | JournalMixed>) =>
    Effect.mapError(effect, (error) => new ReplyStore.ReplyStoreFailed({ detail: messageOf(error) }))

  return {
    // An error of the claims is passed on as it is, even an SqlError.
    begin: (claims) =>
      Effect.withTracerEnabled(begin, false).pipe(
        Effect.andThen(Effect.mapError(claims, (error) => () => error)),
        Effect.tap(() => Effect.withTracerEnabled(storeClaims, false)),
        held.transaction,
        Effect.mapError((error) => (typeof error === "function" ? error() : failed(error)))
      ),
    claim: (page) => quietly(Claimed.claim(job, page)),
    source: stored.source ?? undefined,
    reclaim: Effect.sync(() => {
      source = stored.source
      const { claimed, done, size, total } = stored
      Object.assign(job, { claimed, done, size, total })
    }),
    setSource: (now) =>
      Effect.sync(() => {
        source = now
      }),
    forgetSource: change(Effect.suspend(() => sql`UPDATE effect_claude_jobs SET source = NULL WHERE id = ${job.id}`)),
    state,
    differences,
    sample: (count) => quietly(Sample.choose(job, count)),
    keep: quietly(
      Effect.suspend(() => {
        job.kept = job.run - 1
        return sql`UPDATE effect_claude_jobs SET kept = ${job.kept} WHERE id = ${job.id}`
      })
    ),
    rerun: quietly(
      Effect.suspend(() => {
        Object.assign(job, { done: 0, size: 0 })
        return sql`UPDATE effect_claude_rows SET state = 0, size = 0 WHERE job = ${job.id} AND state <> 0`
      })
    ),
    pending: (which) =>
      Stream.suspend(() =>
        Claimed.pages(
          job,
          {
            columns: "CAST(r.id AS DOUBLE PRECISION) AS number, r.name, r.key, r.ordinal, r.state",
            condition: which === "all" ? "r.state <> 1" : "r.state = 2"
          },
          decodePending
        )
      ).pipe(
        Stream.mapEffect((page) => Effect.withTracerEnabled(pendingPage(page), false)),
        Stream.flattenIterable,
        reading
      ),
    finish: (key, output) =>
      Effect.flatMap(record(key, Tables.states.done, output), () =>
        appendLines === undefined ? Effect.void : append(output)
      ),
    appendTo: (append) =>
      Effect.sync(() => {
        appendLines = append
      }),
    fail: (key, failure) => record(key, Tables.states.failed, failure),
    replies: {
      find: (call) =>
        rows.find(call.row).pipe(
          Effect.flatMap(({ number }) => Calls.find(job, number, call)),
          Effect.map((found) => found && StoredReply.decode(found)),
          quietly,
          stores
        ),
      save: (answers) => stores(save(answers)),
      intend: (intent) =>
        Effect.forEach(intent.items, ({ call }) => Effect.map(rows.find(call.row), ({ number }) => number)).pipe(
          quietly,
          Effect.flatMap((numbers) => change(Batches.intend(job, intent, numbers))),
          stores
        ),
      sent: (intent, batchId) => stores(change(Batches.sent(job, intent, batchId))),
      ended: (intent) => stores(change(Batches.ended(job, intent))),
      unfinished: stores(quietly(Effect.suspend(() => Batches.unfinished(job)))),
      knows: (batchId) => stores(quietly(Batches.knows(job, batchId)))
    },
    reject: (call) =>
      Effect.flatMap(quietly(rows.find(call.row)), ({ number }) => change(Calls.reject(job, number, call))),
    spend: (cost) => write({ _tag: "Bill", cost }),
    totals: Effect.suspend(
      () => sql`SELECT calls, cost, unpriced FROM effect_claude_runs WHERE job = ${job.id} AND run <> ${job.run}`
    ).pipe(
      Effect.flatMap(decodeTotals),
      Effect.map((earlier) => ({ run: job.bill, all: Spent.sum([...earlier, job.bill]) })),
      quietly
    ),
    outputs: Stream.suspend(() =>
      Claimed.pages(
        job,
        {
          columns: "r.ordinal, v.value",
          from: "JOIN effect_claude_results v ON v.row_id = r.id",
          condition: "r.state = 1"
        },
        decodeOutputs
      )
    ).pipe(
      Stream.flattenIterable,
      Stream.map(({ value }) => value),
      reading
    ),
    outputSize: Effect.sync(() => job.size),
    failures: Stream.suspend(() =>
      Claimed.pages(
        job,
        {
          columns: "r.name, r.key, r.ordinal, v.value",
          from: "JOIN effect_claude_results v ON v.row_id = r.id",
          condition: `r.state = 2 AND v.run = ${job.run}`
        },
        decodeFailures
      )
    ).pipe(
      Stream.flattenIterable,
      Stream.map(({ key, name, ordinal, value }) => ({ key: RowId.keyOf({ id: name, key }), ordinal, error: value })),
      reading
    ),
    counts: Effect.sync(() => {
      const { done, failed, total } = job
      return { done, failed: failed.size, pending: total - done - failed.size }
    }),
    answered,
    emulated: Effect.sync(() => job.emulated === true)
  }
})

const messageOf = (error: JournalFailed | JournalMixed) =>
  Predicate.isTagged(error, "JournalFailed") ? error.detail : error.message

const reading = <A>(rows: Stream.Stream<A, SqlError | Schema.SchemaError>) => Stream.mapError(rows, failed)

const StoredJob = Schema.Struct({
  ...Kind.Kind.fields,
  run: Schema.Int,
  claimed: Schema.Int,
  total: Schema.Int,
  done: Schema.Int,
  size: Schema.Finite,
  kept: Schema.Int,
  has_replies: Schema.BooleanFromBit,
  has_results: Schema.BooleanFromBit,
  source: Schema.NullOr(Schema.fromJsonString(Source))
})
type Stored = typeof StoredJob.Type

/** A job that no run has begun. */
const notStored: Stored = {
  shape: null,
  emulated: null,
  run: 0,
  claimed: 0,
  total: 0,
  done: 0,
  size: 0,
  kept: 0,
  has_replies: false,
  has_results: false,
  source: null
}

const encodeSource = Schema.encodeSync(Schema.fromJsonString(Source))

const decodeStored = Schema.decodeUnknownEffect(Schema.Array(StoredJob))
const decodeJobs = Schema.decodeUnknownEffect(Schema.Tuple([Schema.Struct({ id: Schema.Int })]))
const decodeTotals = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ ...Spent.Total.fields, cost: Schema.BigDecimalFromString }))
)

const storedRow = { name: Schema.String, key: Schema.NullOr(Schema.String), ordinal: Schema.Int }
const decodePending = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ ...storedRow, number: Schema.Int, state: Schema.Int }))
)
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
