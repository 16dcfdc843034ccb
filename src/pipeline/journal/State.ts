/**
 * The state of a job as a reader sees it, also while a run has it open: nothing is begun, locked or written. Each member
 * reads what is committed at that moment, so two of them may differ by the rows that finished between them.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import type * as Stream from "effect/Stream"
import * as Attempt from "./Attempt.ts"
import * as Batches from "./Batches.ts"
import * as Chunks from "./Chunks.ts"
import * as ClaimedRows from "./ClaimedRows.ts"
import * as Controls from "./Controls.ts"
import { isSqlite } from "./Dialect.ts"
import * as Kind from "./Kind.ts"
import * as JobLimits from "./JobLimits.ts"
import * as LockHolders from "./LockHolders.ts"
import type { Readable } from "./JobState.ts"
import { type JournalFailed, JournalForeign, JournalTooNew, JournalTooOld } from "./JournalError.ts"
import * as Opening from "./Opening.ts"
import * as RunRecord from "./RunRecord.ts"
import * as Sending from "./Sending.ts"
import * as Source from "./Source.ts"
import * as StoredCommand from "./StoredCommand.ts"
import * as Tables from "./Tables.ts"
import * as Total from "./Total.ts"
import * as WorkerRuns from "./WorkerRuns.ts"

/** The rows of the last run that has begun. */
export interface RowCounts {
  readonly total: number
  readonly done: number
  /** Rows that failed when they ran last. */
  readonly failed: number
  readonly pending: number
}

/** What was billed. */
export interface RunTotals {
  /** In the last run that has begun. */
  readonly run: Total.Total
  /** In all runs. */
  readonly all: Total.Total
  readonly runs: number
}

/** A run. Times are milliseconds since 1970, and null where an earlier version did not store them. */
export interface LastRun {
  readonly beganAt: number | null
  /** Null while the run is on, and where it was killed. */
  readonly endedAt: number | null
  /** How it ended; see `Ending`. */
  readonly outcome: string | null
  /** Rows that were done when it began. */
  readonly doneBefore: number | null
}

/** The state of one job. */
export interface State {
  /** The file, or the name of the database. */
  readonly place: string
  readonly job: string
  /** The number of the last run that has begun, from 1. */
  readonly run: number
  /** Whether an emulator answers, and not Claude; null before the first answer. */
  readonly emulated: boolean | null
  /** Rows of the input that cannot be run, and messages for the first of them. Undefined where the state does not tell. */
  readonly invalid: Pick<Source.Source, "invalid" | "problems"> | undefined
  /** When the job was paused, in milliseconds since 1970; null where it is not. */
  readonly pausedAt: number | null
  /** The command line that began a run last; null where only programs and earlier versions ran the job. */
  readonly command: StoredCommand.Command | null
  /** The run that has begun last. */
  readonly lastRun: LastRun
  /** The fields of the results, apart from the input columns in the outputs; undefined where they are not known. */
  readonly fields: ReadonlySet<string> | undefined
  /** How the last run was started. */
  readonly settings: RunRecord.Settings
  readonly counts: Effect.Effect<RowCounts, JournalFailed>
  readonly totals: Effect.Effect<RunTotals, JournalFailed>
  /** The outputs of finished rows, in input order. */
  readonly outputs: Stream.Stream<string, JournalFailed>
  /** The rows that failed when they ran last, in input order. */
  readonly failures: Stream.Stream<ClaimedRows.FailedRow, JournalFailed>
  /** The reasons of the failed rows, the most frequent first. */
  readonly reasons: Effect.Effect<ReadonlyArray<ClaimedRows.Reason>, JournalFailed>
  /** The last failed rows of the input, the last one first. */
  readonly lastFailures: (count: number) => Effect.Effect<ReadonlyArray<ClaimedRows.FailedRow>, JournalFailed>
  /** The batches that the API works on, the oldest first. */
  readonly batches: Effect.Effect<ReadonlyArray<Batches.BatchInProgress>, JournalFailed>
  /** What other processes ask of the next run, or of the run that is on. */
  readonly waiting: Effect.Effect<ReadonlyArray<Controls.Waiting>, JournalFailed>
  /** Asks the run that is on, or else the next one. The client must be able to write. Gives the number of the control. */
  readonly send: (control: Controls.Control) => Effect.Effect<number, JournalFailed>
  /** Withdraws a control that no run has applied yet. */
  readonly withdraw: (control: number) => Effect.Effect<unknown, JournalFailed>
  /** What came of a control; undefined while no run has applied it. */
  readonly outcomeOf: (control: number) => Effect.Effect<Controls.Outcome | undefined, JournalFailed>
  /** On PostgreSQL, the connection of the run that has the job open; an SQLite file has the lock of `Sqlite.layer`. */
  readonly holder: Effect.Effect<LockHolders.Holder | undefined, JournalFailed>
  /** The job where its last run has claimed the rows for other processes. */
  readonly shared: Shared | undefined
}

/** A job that several processes work on. */
export interface Shared {
  /** The number of the job, which names its queue. */
  readonly id: number
  /** The input whose rows are claimed, where it is known. */
  readonly source: Source.Source | undefined
  /** The processes that have worked on it since it was submitted. */
  readonly workerRuns: Effect.Effect<ReadonlyArray<WorkerRuns.Worker>, JournalFailed>
  /** How many processes work on it now. */
  readonly workers: Effect.Effect<number, JournalFailed>
  /** The ends of processes that stopped for a reason of the job, the latest first. */
  readonly stops: Effect.Effect<ReadonlyArray<WorkerStop>, JournalFailed>
  /** Whether a row is neither done, nor has failed since it was claimed. */
  readonly isOpen: Effect.Effect<boolean, JournalFailed>
  /** Some chunks that the queue may not have, and what records that it has them. */
  readonly sending: Chunks.Sending
  /** Changes the limits for all processes; see `JobLimits`. */
  readonly setLimits: (limits: JobLimits.JobLimits) => Effect.Effect<unknown, JournalFailed>
  /** Records that every row has ended. */
  readonly end: Effect.Effect<void, JournalFailed>
}

/** The end of a process before the job was done. */
export interface WorkerStop {
  readonly worker: string | undefined
  /** The tag of the reason, and what it says. */
  readonly outcome: string
  readonly detail: string | null
}

/** The states of all jobs in a database, by name. Fails where this version cannot read the database. */
export const all: Effect.Effect<ReadonlyArray<State>, StateError, SqlClient> = Effect.gen(function* () {
  const sql = (yield* SqlClient).withoutTransforms()
  const state = yield* Effect.mapError(Opening.nameOf(sql), (error) => Attempt.failed(error, ""))
  const attempt = Attempt.on(state)
  const context = yield* Effect.context<SqlClient>()
  const version = yield* attempt(Effect.provideContext(Tables.layout, context))
  if (version === undefined) {
    const tables = yield* attempt(Effect.provideContext(Tables.foreign, context))
    return tables.length > 0 ? yield* new JournalForeign({ state, tables }) : []
  }
  if (version > Tables.version) return yield* new JournalTooNew({ state, version })
  if (version < Tables.version) return yield* new JournalTooOld({ state, version })
  const jobs = yield* attempt(
    Effect.flatMap(
      sql`SELECT j.id, j.name, j.run, j.shape, j.emulated, j.source, j.command, r.settings, r.claimed, r.outcome, r.done_before,
            COALESCE(r.shared, 0) AS shared,
            CAST(j.paused_at AS DOUBLE PRECISION) AS paused_at, CAST(r.began_at AS DOUBLE PRECISION) AS began_at,
            CAST(r.ended_at AS DOUBLE PRECISION) AS ended_at
          FROM effect_claude_jobs j JOIN effect_claude_runs r ON r.job = j.id AND r.run = j.run ORDER BY j.name`,
      decodeJobs
    )
  )
  return jobs.map((job) => make({ sql, attempt, id: job.id, claimed: job.claimed }, state, job))
}).pipe(Effect.withTracerEnabled(false))

/** Why a state cannot be read. */
export type StateError = JournalFailed | JournalForeign | JournalTooNew | JournalTooOld

const StoredJob = Schema.Struct({
  id: Schema.Int,
  name: Schema.String,
  run: Schema.Int,
  shape: Schema.fromJsonString(Schema.Json),
  emulated: Schema.NullOr(Schema.BooleanFromBit),
  source: Source.Column,
  shared: Schema.BooleanFromBit,
  command: StoredCommand.Column,
  settings: Schema.NullOr(RunRecord.StoredSettings),
  claimed: Schema.Int,
  paused_at: Schema.NullOr(Schema.Finite),
  began_at: Schema.NullOr(Schema.Finite),
  ended_at: Schema.NullOr(Schema.Finite),
  outcome: Schema.NullOr(Schema.String),
  done_before: Schema.NullOr(Schema.Int)
})

const decodeJobs = Schema.decodeUnknownEffect(Schema.Array(StoredJob))

const make = (job: Readable, place: string, stored: typeof StoredJob.Type): State => {
  const { began_at: beganAt, done_before: doneBefore, emulated, ended_at: endedAt, name, outcome, run, source } = stored
  const { attempt, claimed, id, sql } = job
  return {
    place,
    job: name,
    run,
    emulated,
    invalid: source ?? undefined,
    pausedAt: stored.paused_at,
    command: stored.command,
    fields: Kind.fieldsOf(stored.shape),
    settings: stored.settings ?? {},
    lastRun: { beganAt, endedAt, outcome, doneBefore },
    counts: attempt(
      Effect.map(
        Effect.flatMap(
          sql`SELECT total, CAST(done + COALESCE((
                SELECT SUM(w.done) FROM effect_claude_runs w WHERE w.job = ${id} AND w.part_of = ${run}
              ), 0) AS INTEGER) AS done, (
                SELECT CAST(COUNT(*) AS INTEGER) FROM effect_claude_rows r
                WHERE r.job = ${id} AND r.run = ${claimed} AND r.state = 2
              ) AS failed
              FROM effect_claude_runs WHERE job = ${id} AND run = ${run}`,
          decodeCounts
        ),
        ([{ done, failed, total }]) => ({ total, done, failed, pending: total - done - failed })
      )
    ),
    totals: attempt(
      Effect.map(
        Effect.flatMap(
          sql`SELECT run, part_of, calls, cost, unpriced FROM effect_claude_runs WHERE job = ${id}`,
          decodeTotals
        ),
        (runs) => ({
          run: Total.sum(runs.filter((total) => total.run === run || total.part_of === run)),
          all: Total.sum(runs),
          runs: runs.filter((total) => total.part_of === null).length
        })
      )
    ),
    outputs: ClaimedRows.outputs(job),
    failures: ClaimedRows.failed(job),
    reasons: ClaimedRows.reasons(job),
    lastFailures: (count) => ClaimedRows.lastFailed(job, count),
    batches: attempt(Batches.inProgress(job)),
    waiting: Controls.waiting(job),
    send: (control) => Controls.send(job, control),
    withdraw: (control) => Controls.withdraw(job, control),
    outcomeOf: (control) => Controls.outcomeOf(job, control),
    holder: isSqlite(sql) ? Effect.undefined : attempt(LockHolders.holder(sql, name)),
    shared: stored.shared ? sharedOf(job, stored) : undefined
  }
}

const sharedOf = (job: Readable, { name, run, source }: typeof StoredJob.Type): Shared => {
  const { attempt, id, sql } = job
  return {
    id,
    source: source ?? undefined,
    workerRuns: attempt(Effect.flatMap(Clock.currentTimeMillis, (now) => WorkerRuns.read(sql, id, now, run))),
    workers: attempt(LockHolders.sharers(sql, name)),
    stops: attempt(
      Effect.map(
        Effect.flatMap(
          sql`SELECT settings, outcome, detail FROM effect_claude_runs
              WHERE job = ${id} AND part_of = ${run} AND detail IS NOT NULL ORDER BY run DESC LIMIT 5`,
          decodeStops
        ),
        (stops) => stops.map(({ detail, outcome, settings }) => ({ worker: settings?.worker, outcome, detail }))
      )
    ),
    isOpen: Chunks.hasOpenRows(job, run),
    sending: Chunks.sending(job),
    setLimits: (limits) => attempt(JobLimits.change(sql, id, run, limits)),
    end: attempt(
      Effect.flatMap(
        Clock.currentTimeMillis,
        (now) => sql`UPDATE effect_claude_runs SET outcome = 'done', ended_at = ${now}
                     WHERE job = ${id} AND run = ${run} AND outcome IS NULL`
      ).pipe(Effect.andThen(Sending.clear(job)))
    )
  }
}

const decodeStops = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      settings: Schema.NullOr(RunRecord.StoredSettings),
      outcome: Schema.String,
      detail: Schema.String
    })
  )
)

const decodeCounts = Schema.decodeUnknownEffect(
  Schema.Tuple([Schema.Struct({ total: Schema.Int, done: Schema.Int, failed: Schema.Int })])
)

const decodeTotals = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      ...Total.Total.fields,
      cost: Schema.BigDecimalFromString,
      run: Schema.Int,
      part_of: Schema.NullOr(Schema.Int)
    })
  )
)
