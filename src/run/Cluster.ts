/**
 * Runs a job on many machines: one process submits it to a PostgreSQL database, any number of processes work on it, and any
 * of them may join, leave or die at any time. The database has the rows, the replies and the results. A queue hands out chunks
 * of 100 rows: pg-boss in the same database, or BullMQ on a Redis server. When a process dies, only its calls in flight
 * are paid for again.
 */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { Claude } from "../claude/Claude.ts"
import * as BatchSender from "../pipeline/BatchSender.ts"
import * as ChunkRun from "../pipeline/ChunkRun.ts"
import * as Controls from "../pipeline/Controls.ts"
import * as Dataset from "../pipeline/Dataset.ts"
import * as FailuresFile from "../pipeline/FailuresFile.ts"
import * as Job from "../pipeline/Job.ts"
import * as Journal from "../pipeline/Journal.ts"
import * as RowFailure from "../pipeline/RowFailure.ts"
import * as Run from "../pipeline/Run.ts"
import * as Refill from "../pipeline/Refill.ts"
import type { Unstored } from "../pipeline/Unstored.ts"
import * as ChunkQueue from "./cluster/ChunkQueue.ts"
import * as Grant from "./cluster/Grant.ts"
import * as LimitHandles from "./cluster/LimitHandles.ts"
import * as Submission from "./cluster/Submission.ts"
import * as Gate from "./Gate.ts"

export type { Ended } from "../pipeline/ChunkRun.ts"
export type { Servers } from "./cluster/ChunkQueue.ts"
export { submit, type Submission, type SubmitOptions } from "./cluster/Submission.ts"

/** How far a submitted job is. */
export interface Progress extends Journal.RowCounts {
  /** Whether a row is neither done nor has failed since the job was submitted. */
  readonly isOpen: boolean
  /** How many processes work on it. */
  readonly workers: number
  /** Why processes stopped before the job was done, the latest first. */
  readonly stops: ReadonlyArray<Journal.WorkerStop>
  readonly totals: Journal.RunTotals
}

/**
 * Watches a submitted job until every row has ended. It puts chunks into the queue that it lacks, and gives the chunks of
 * processes that have died to others.
 */
export const watch = Effect.fn("Cluster.watch")(
  function* <E, R>(
    name: string,
    database: string,
    show: (progress: Progress) => Effect.Effect<void, E, R>,
    { queue }: Pick<WorkOptions, "queue"> = {}
  ) {
    const { settings, shared } = yield* inTime(Submission.find(name))
    if (shared === undefined) return yield* new Journal.JobNotSubmitted({ state: "the database", job: name })
    const { sending } = shared
    const sendingInTime = { ...sending, unsent: inTime(sending.unsent), hasSent: inTime(sending.hasSent) }
    return yield* Effect.gen(function* () {
      while (true) {
        yield* Refill.repair(sendingInTime)
        yield* Refill.send(sendingInTime)
        const { end, progress } = yield* inTime(progressOf(name))
        yield* show(progress)
        if (!progress.isOpen) return yield* end
        yield* Effect.sleep("1 second")
      }
    }).pipe(Effect.provide(ChunkQueue.layer({ name, number: shared.id, settings }, { database, queue })))
  },
  (effect) => Effect.withTracerEnabled(effect, false)
)

/** Fails where a database does not answer, such as one whose server was lost while the connections stay open. */
const inTime = <A, E, R>(reading: Effect.Effect<A, E, R>) =>
  Effect.timeoutOrElse(reading, {
    duration: "1 minute",
    orElse: () => Effect.fail(new Journal.JournalFailed({ detail: "the database has not answered for a minute" }))
  })

/** The progress of the latest submission, and what records that every row of it has ended. */
const progressOf = Effect.fnUntraced(function* (name: string) {
  const state = yield* Submission.find(name)
  const { shared } = state
  // Read first: where no row is open, the counts after it are the last ones.
  const isOpen = shared !== undefined && (yield* shared.isOpen)
  const counts = yield* state.counts
  const progress: Progress = {
    ...counts,
    isOpen,
    workers: shared === undefined ? 0 : yield* shared.workers,
    stops: shared === undefined ? [] : yield* shared.stops,
    totals: yield* state.totals
  }
  return { progress, end: shared?.end ?? Effect.void }
})

/** Writes the results of a job and the file of its failed rows. */
export const write = Effect.fn("Cluster.write")(function* <Row, Out, E>(job: Job.Job<Row, Out, E>, output: string) {
  const state = yield* Submission.find(job.name)
  const { failed } = yield* state.counts
  const sink = yield* Dataset.writeLines(output)
  yield* sink.replaceWith(state.outputs, Run.knownOf(job))
  const failuresFile = yield* FailuresFile.writeAll(output, failed, state.failures)
  const problems = yield* Stream.runCollect(state.failures.pipe(Stream.take(20), Stream.mapEffect(RowFailure.describe)))
  return { failuresFile, problems, emulated: state.emulated === true }
}, Effect.scoped)

/**
 * Removes a job from a database, with its rows, replies and results, and its queue. Fails where a process has the job.
 * Returns the keys of a queue on Redis, which stay.
 */
export const forget = Effect.fn("Cluster.forget")(function* (name: string, database: string) {
  const { settings, shared } = yield* Submission.find(name)
  yield* Journal.forget(name)
  return shared && (yield* ChunkQueue.remove({ number: shared.id, settings }, { database }))
})

/** How a process works on a job. */
export interface WorkOptions extends ChunkQueue.Servers {
  /** Whether an emulator answers, and not Claude. */
  readonly emulated?: boolean
  readonly settings?: Journal.Settings
  /** The replies that earlier calls of `work` could not store. This one stores them first. */
  readonly unstored?: Unstored
  /** Lets the calls of the job through, where the process has other jobs too. */
  readonly gate?: Gate.Gate
}

/**
 * Works on a submitted job until the program asks it to stop, by `Drain`, or the job is submitted again. `claude` makes the
 * Claude of the process from the settings of the submission, and `sender` the one that sends the batches of all processes
 * whenever this process is the one to do so, where the job was submitted for batches. Fails with `JobNotSubmitted` if the
 * job is not submitted yet, and with `JobDiffers` if it differs from the submitted one.
 */
export const work = Effect.fn("Cluster.work")(function* <Row, Out, E, E2, R>(
  job: Job.Job<Row, Out, E>,
  workOptions: WorkOptions,
  claude: (submitted: Journal.Settings) => Layer.Layer<Claude, E2, R>,
  sender?: (submitted: Journal.Settings) => Layer.Layer<Claude, E2, R>
) {
  const { database, gate: given, queue, unstored, ...options } = workOptions
  return yield* Effect.gen(function* () {
    const chunks = yield* Journal.Chunks
    const { job: number, settings } = chunks
    const dispatcher = ChunkQueue.layer({ name: job.name, number, settings }, { database, queue })
    const isBatched = settings.mode === "batches"
    if (isBatched && sender !== undefined) yield* Effect.forkScoped(BatchSender.run(job.name, chunks, sender))
    const gate = given ?? (yield* Grant.ofOneJob)
    if (!isBatched) yield* Grant.follow(chunks.grants, gate)
    // Calls that wait for their batch are not in flight.
    const gated = isBatched ? claude(settings) : Gate.policy(gate)(claude(settings))
    return yield* ChunkRun.run(job, { unstored, ...(!isBatched && { places: gate.reach }) }).pipe(
      Effect.provide([gated, dispatcher]),
      Effect.provideService(Controls.Handles, LimitHandles.make(chunks))
    )
  }).pipe(Effect.scoped, Effect.provide(Journal.layerWorker({ job: job.name, shape: Job.shape(job), ...options })))
})
