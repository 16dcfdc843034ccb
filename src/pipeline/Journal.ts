/**
 * The state of a job in a database: which rows are done, with their output, which failed, with their failure, which are
 * pending, and every reply that was paid for. A job that was stopped resumes from it. One database holds the states of
 * many jobs, by name. One layer is one run of a job: rows that the run has not claimed stay in the state, but are not in
 * its outputs and counts.
 */
import type * as BigDecimal from "effect/BigDecimal"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { SqlClient } from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import type { Request } from "../claude/Request.ts"
import type { CallKey, ReplyStore } from "../claude/ReplyStore.ts"
import type { DatasetFailed } from "./Dataset.ts"
import * as Beginning from "./journal/Beginning.ts"
import type { LostAttempt, Minute } from "./journal/CallLog.ts"
import type { StoredCall } from "./journal/Calls.ts"
import * as ClaimedRows from "./journal/ClaimedRows.ts"
import type { FailedRow, PendingRow, Which } from "./journal/ClaimedRows.ts"
import * as Claiming from "./journal/Claiming.ts"
import type { Claim, Row, RowWithInput } from "./journal/Claiming.ts"
import * as JobChunks from "./journal/Chunks.ts"
import * as Controls from "./journal/Controls.ts"
import * as Grants from "./journal/Grants.ts"
import * as JobLimits from "./journal/JobLimits.ts"
import * as JobState from "./journal/JobState.ts"
import {
  JournalFailed,
  JournalForeign,
  JournalInUse,
  JournalMixed,
  JournalTooNew,
  JournalTooOld
} from "./journal/JournalError.ts"
import * as Opening from "./journal/Opening.ts"
import type { Options } from "./journal/Opening.ts"
import * as LastLimits from "./journal/LastLimits.ts"
import * as Replies from "./journal/Replies.ts"
import type { Totals } from "./journal/Replies.ts"
import * as Results from "./journal/Results.ts"
import * as RowNumbers from "./journal/RowNumbers.ts"
import * as RunRecord from "./journal/RunRecord.ts"
import type { Ending } from "./journal/RunRecord.ts"
import * as Sample from "./journal/Sample.ts"
import * as Sending from "./journal/Sending.ts"
import type { SampledRow } from "./journal/Sample.ts"
import type { Source } from "./journal/Source.ts"
import * as Spending from "./journal/Spending.ts"
import type { Total } from "./journal/Total.ts"
import * as Wanted from "./journal/Wanted.ts"
import * as Writes from "./journal/Writes.ts"

export { JournalFailed, JournalForeign, JournalInUse, JournalMixed, JournalTooNew, JournalTooOld }
export type { Spending } from "./journal/Spending.ts"
export type {
  Claim,
  Ending,
  FailedRow,
  LostAttempt,
  Minute,
  Options,
  PendingRow,
  Row,
  RowWithInput,
  SampledRow,
  Source
}
export type { StoredCall, Total, Totals, Which }
export type { BatchInProgress } from "./journal/Batches.ts"
export { forget } from "./journal/Forgetting.ts"
export { all as states, type RowCounts, type RunTotals, type State } from "./journal/State.ts"
export { type Shared, type WorkerStop } from "./journal/State.ts"
export { read as workerRuns, type Worker } from "./journal/WorkerRuns.ts"
export { JobNotSubmitted } from "./journal/Opening.ts"
export type { WantedCall } from "./journal/Sending.ts"
export { type Chunk, type ChunkRow, type Taken } from "./journal/Chunks.ts"
export { Billed, StoredMinute } from "./journal/CallLog.ts"
export type { Control, Controls, Outcome } from "./journal/Controls.ts"
export { type KeyedReplies, open as keyedReplies } from "./journal/KeyedReplies.ts"
export { of as requestText } from "./journal/RequestText.ts"
export type { JobLimits } from "./journal/JobLimits.ts"
export { Settings, StoredSettings } from "./journal/RunRecord.ts"
export type { Command } from "./journal/StoredCommand.ts"

/** The claimed rows of a run, by status. Rows that failed in an earlier run are pending. */
export const Counts = Schema.Struct({ done: Schema.Int, failed: Schema.Int, pending: Schema.Int })
export type Counts = typeof Counts.Type

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
    readonly claim: (rows: ReadonlyArray<RowWithInput>) => Effect.Effect<ReadonlyArray<Claim>, JournalFailed>
    /** The rows that were finished when the earlier run ended, of those that it had claimed. */
    readonly finishedBefore: number
    /** The source of the rows that an earlier run claimed, where it stored one. */
    readonly source: Source | undefined
    /** Claims all rows that the earlier run claimed, without reading them. Their source stays. */
    readonly reclaim: Effect.Effect<void>
    /** Stores the source of the claimed rows. A run that claims rows and stores none forgets the earlier one. */
    readonly setSource: (source: Source) => Effect.Effect<void>
    /** Stores a text by which other processes compare their programs with this one; see `Chunks`. */
    readonly setFirstRequest: (request: string) => Effect.Effect<void, JournalFailed>
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
     * The claimed rows that are not done, or of these the untried ones, or the ones that failed in an earlier run, in input
     * order, each once, with their replies.
     */
    readonly pending: (which: Which) => Stream.Stream<PendingRow, JournalFailed>
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
    readonly replies: ReplyStore
    /** Marks the reply of a call as one that the program could not use, and stores its request for a report. */
    readonly reject: (call: CallKey, request: Request) => Effect.Effect<void, JournalFailed>
    /** Adds a billed call without a reply to the totals. `undefined` is an unknown price. */
    readonly spend: (cost: BigDecimal.BigDecimal | undefined) => Effect.Effect<void, JournalFailed>
    readonly totals: Effect.Effect<Totals, JournalFailed>
    /** Logs an attempt of a row that gave no reply. It is stored with the next write. */
    readonly lost: (key: string, attempt: LostAttempt) => Effect.Effect<void, JournalFailed>
    /** Logs a minute of the run, counted from 1970; of two, the later counts. It is stored with the next write. */
    readonly minute: (minute: number, detail: Minute) => void
    /** The rate limits per minute that earlier runs learned, by group of models. */
    readonly limits: Effect.Effect<LastLimits.Limits, JournalFailed>
    /** Stores how the run ended, and all that is logged. */
    readonly end: (ending: Ending) => Effect.Effect<void, JournalFailed>
    /** What other processes ask of the run. */
    readonly controls: Controls.Controls
    /** What the runs have spent, for a budget over all of them. */
    readonly spending: Effect.Effect<Spending.Spending, JournalFailed>
    /** The outputs of the claimed rows, in input order. */
    readonly outputs: Stream.Stream<string, JournalFailed>
    /** The number of bytes that `outputs` takes as the lines of a file. */
    readonly outputSize: Effect.Effect<number>
    /** The rows that failed in this run, in input order. */
    readonly failures: Stream.Stream<FailedRow, JournalFailed>
    readonly counts: Effect.Effect<Counts>
    /** The pending rows that failed in an earlier run. */
    readonly failedBefore: Effect.Effect<number, JournalFailed>
    /** Whether an emulator gave the answers in the state. The first saved reply settles it, or `Options.emulated`. */
    readonly emulated: Effect.Effect<boolean>
  }
>()("effect-claude/Journal") {}

/**
 * Opens the state of a job for one run, and creates the tables where they are missing. A PostgreSQL database may hold
 * tables of other programs too; an SQLite file may not. A second run of the same job is kept out: on PostgreSQL by a
 * lock here, on SQLite by that of `Sqlite.layer`.
 */
export const layer = (
  options: Options
): Layer.Layer<Journal, JournalFailed | JournalForeign | JournalInUse | JournalMixed | JournalTooNew, SqlClient> =>
  Layer.effect(Journal, Effect.withTracerEnabled(Effect.flatMap(Opening.open(options), makeRun), false))

/** The process that sends the batches of a job for all workers. Its journal has the bills of the batches. */
export interface Sender extends Sending.Sending {
  readonly journal: Pick<Journal["Service"], "replies" | "spending" | "end">
  /** Whether the sender before this one has not ended in order, and may still believe that it is the sender. */
  readonly hasDied: boolean
}

/** The chunks of a submitted job, for a process that works on them. */
export class Chunks extends Context.Service<
  Chunks,
  ReturnType<typeof JobChunks.make> & {
    /** The number of the job, which names its queue. */
    readonly job: number
    /** Identifies the submission, also among databases. */
    readonly submission: string
    /** The name of this process. */
    readonly worker: string | undefined
    /** How the job was submitted. */
    readonly settings: RunRecord.Settings
    /** The limits over all processes, as they are at this moment. */
    readonly limits: Effect.Effect<JobLimits.JobLimits, JournalFailed>
    /** Changes the limits for all processes. */
    readonly setLimits: (limits: JobLimits.JobLimits) => Effect.Effect<void, JournalFailed>
    /** The part of this process in the concurrency of the job. */
    readonly grants: ReturnType<typeof Grants.make>
    /** What `setFirstRequest` has stored. */
    readonly firstRequest: string | undefined
    /** Whether another process waits until no process works on the job. */
    readonly isWanted: Effect.Effect<boolean, JournalFailed>
    /** Becomes the process that sends the batches of all, until the scope closes; undefined while another process is. */
    readonly elect: Effect.Effect<Sender | undefined, JournalFailed, Scope.Scope>
  }
>()("effect-claude/Chunks") {}

/**
 * Opens a job on PostgreSQL that another process has submitted, to work on its rows beside other processes. The journal is
 * that of this process: its totals and its end are of what it did. `differences` compares with the submitted job.
 */
export const layerWorker = (
  options: Options
): Layer.Layer<Journal | Chunks, JournalFailed | JournalMixed | JournalTooNew | Opening.JobNotSubmitted, SqlClient> =>
  Layer.effectContext(
    Effect.withTracerEnabled(
      Effect.flatMap(Opening.join(options), (opened) => {
        const job = JobState.make(opened)
        return Effect.map(ofJob(job), ({ chunks, journal }) =>
          Context.make(Journal, journal).pipe(
            Context.add(Chunks, {
              ...chunks,
              job: job.id,
              submission: opened.joined.submission,
              worker: opened.settings.worker,
              settings: opened.joined.settings,
              limits: job.attempt(JobLimits.read(job.sql, job.id, job.partOf)),
              setLimits: (limits) => Effect.asVoid(job.attempt(JobLimits.change(job.sql, job.id, job.partOf, limits))),
              grants: Grants.make(job),
              firstRequest: opened.joined.firstRequest,
              isWanted: job.attempt(opened.joined.isWanted),
              elect: elect(job)
            })
          )
        )
      }),
      false
    )
  )

const elect = Effect.fnUntraced(function* (worker: JobState.JobState) {
  const elected = yield* Sending.elect(worker)
  if (elected === undefined) return undefined
  const { hasDied, job } = elected
  const { journal, numbers, writer } = yield* ofJob(job)
  return { ...(yield* Sending.make(job, numbers, writer)), journal, hasDied } satisfies Sender
})

const makeRun = (opened: JobState.Opened) => Effect.map(ofJob(JobState.make(opened)), ({ journal }) => journal)

const ofJob = Effect.fnUntraced(function* (job: JobState.JobState) {
  const { opened } = job
  const numbers = RowNumbers.make(job)
  const writer = yield* Writes.writer(job)
  const claim = Claiming.make(job)
  const chunks = JobChunks.make(job, numbers, writer)
  const inBatches = opened.role === "works" && opened.joined?.settings.mode === "batches"
  const wanted = inBatches ? yield* Wanted.make(job, numbers) : undefined
  const journal = Journal.of({
    begin: (claims) => Beginning.begin(job, claims),
    claim: (rows) => job.attempt(claim(rows)),
    finishedBefore: opened.before.done,
    source: opened.source ?? undefined,
    reclaim: Beginning.reclaim(job),
    setSource: (source) => Effect.sync(() => void (job.source = source)),
    setFirstRequest: (request) => job.attempt(Effect.suspend(() => Beginning.setFirstRequest(job, request))),
    forgetSource: writer.change(Effect.suspend(() => Beginning.forgetSource(job))),
    state: opened.state,
    differences: opened.differences,
    sample: (count) => job.attempt(Sample.choose(job, count)),
    keep: job.attempt(Effect.suspend(() => Beginning.keep(job))),
    rerun: job.attempt(Effect.suspend(() => Beginning.rerun(job))),
    pending: (which) => Stream.suspend(() => ClaimedRows.pending(job, numbers, which)),
    ...(yield* Results.make(numbers, writer)),
    replies: Replies.store(job, numbers, writer, wanted),
    reject: (call, request) => Replies.reject(job, numbers, writer, call, request),
    spend: (cost) => writer.write({ _tag: "Bill", cost }),
    totals: Replies.totals(job),
    lost: (key, attempt) => Effect.map(numbers.find(key), ({ number }) => writer.log.attempt(number, attempt)),
    minute: writer.log.minute,
    limits: job.attempt(Effect.suspend(() => LastLimits.read(job))),
    end: (ending) => writer.change(Effect.suspend(() => RunRecord.end(job, ending))),
    controls: Controls.make(job, writer),
    spending: Effect.suspend(() => Spending.open(job, writer)),
    outputs: Stream.suspend(() => ClaimedRows.outputs(job)),
    outputSize: Effect.sync(() => job.size),
    failures: Stream.suspend(() => ClaimedRows.failures(job)),
    counts: Effect.sync(() => {
      const { done, failed, total } = job
      return { done, failed: failed.size, pending: total - done - failed.size }
    }),
    failedBefore: Effect.suspend(() => ClaimedRows.failedBefore(job)),
    emulated: Effect.sync(() => job.emulated === true)
  })
  return { chunks, journal, numbers, writer }
})
