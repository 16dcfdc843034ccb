/**
 * Works on a job that another process has submitted, beside other processes: takes chunks until the program asks it to
 * stop. Calls of a chunk that is lost are not sent, and its rows neither finish nor fail here.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Claude } from "../claude/Claude.ts"
import * as Event from "../claude/Event.ts"
import * as Redact from "../claude/Redact.ts"
import { ReplyStore } from "../claude/ReplyStore.ts"
import { SpendStore } from "../claude/SpendStore.ts"
import * as Batch from "./Batch.ts"
import * as ChunkRows from "./ChunkRows.ts"
import * as Controls from "./Controls.ts"
import { Dispatcher } from "./Dispatcher.ts"
import type { Job } from "./Job.ts"
import { Chunks, Journal, JournalFailed } from "./Journal.ts"
import * as Recheck from "./Recheck.ts"
import * as Refill from "./Refill.ts"
import * as RowFailure from "./RowFailure.ts"
import * as Rows from "./Rows.ts"
import * as RowTrace from "./RowTrace.ts"
import * as Run from "./Run.ts"
import * as Spending from "./Spending.ts"
import * as StopRules from "./StopRules.ts"
import * as Unstored from "./Unstored.ts"
import * as Workers from "./Workers.ts"

/** How this process ended. */
export interface Ended {
  /** Why it takes no more chunks: an error that other processes will meet too, a signal, or `wanted`. */
  readonly stopped: Run.Stopped | "wanted"
}

/** How a process works on a job. */
export interface Options {
  /** The replies that earlier runs could not store. */
  readonly unstored?: Unstored.Unstored | undefined
  /** The calls that this process could have in flight, beside its other jobs and the other processes of the job. */
  readonly places?: () => number
}

/** How often it looks whether another process waits for the job. */
const interval = "1 second"

/** How often the rows at once follow the places, which depend on what others want. */
const fitting = "200 millis"

/** The fewest rows at once, so that a process without places is ready when others want less. */
const fewest = 4

/** Takes chunks of a job. Fails with `JobDiffers` where the job is not the one that was submitted. */
export const run = Effect.fn("ChunkRun.run")(function* <Row, Out, E>(job: Job<Row, Out, E>, options: Options = {}) {
  const context = yield* Run.build(job)
  return yield* Effect.provideContext(runChunks(job, options), context)
}, Effect.scoped)

const runChunks = Effect.fnUntraced(function* <Row, Out, E>(
  job: Job<Row, Out, E>,
  { places = () => Infinity, unstored = Unstored.make() }: Options
) {
  const opened = yield* Journal
  const journal = { ...opened, replies: unstored.keep(opened.replies) }
  const chunks = yield* Chunks
  const dispatcher = yield* Dispatcher
  // Without an end, the process would look killed.
  const endDifferent = journal.end({ outcome: "JobDiffers", detail: undefined, invalid: 0 })
  yield* Effect.tapErrorTag(checkJob(job), "JobDiffers", () => Effect.ignore(endDifferent))
  yield* Effect.mapError(unstored.store(journal.replies), ({ detail }) => new JournalFailed({ detail }))
  const { capacity } = yield* Claude
  // Rows that wait for a place would continue after a pause, so there are only as many of them as places.
  const sizeNow = Effect.map(Batch.fanOut({}), (most) => Math.min(most, Math.max(fewest, 2 * places())))
  const crew = Workers.crew(yield* sizeNow)
  const rows = Rows.make(job, journal, {}, capacity, yield* Clock.Clock, crew)
  yield* Effect.flatMap(capacity, (calls) => Event.emit(() => ({ _tag: "run-paced", calls, paused: false })))
  yield* dispatcher.onLost(rows.check)
  yield* Run.stopOnDrain(rows.stop)
  let isWanted = false
  const checked = Event.emit(() => ({ _tag: "run-checked" }))
  yield* checked
  const lookAround = Effect.gen(function* () {
    yield* Effect.sleep(interval)
    const isPaused = yield* chunks.isPaused
    if (isPaused !== crew.isPaused) yield* isPaused ? rows.pause : rows.resume
    const isWantedNow = yield* chunks.isWanted
    yield* checked
    if (!isWantedNow) return
    isWanted = true
    yield* rows.stop("signal")
  })
  const fit = Effect.flatMap(sizeNow, (size) => (size === crew.size ? Effect.void : Workers.change(crew, { size })))
  yield* Effect.forkScoped(Effect.forever(Effect.delay(fit, fitting)))
  // Its connection holds this process's share of the lock: without it, another process may change the rows.
  yield* Effect.forkScoped(Effect.ignore(rows.orStop(Effect.forever(lookAround))))
  // While the queue cannot be reached, no chunk is taken.
  const repair = Effect.andThen(Effect.ignore(Refill.repair(chunks.sending)), Effect.sleep(interval))
  yield* Effect.forkScoped(Effect.forever(repair))
  const { pause, resume } = rows
  yield* Controls.follow(journal.controls, { pause, resume, report: Effect.void, fit: Effect.void, isShared: true })
  const spending = Spending.make(yield* journal.spending, rows.orStop)
  yield* Effect.forkScoped(Effect.ignore(Effect.forever(Effect.delay(spending.regularly, interval))))
  const taken = yield* ChunkRows.make(job, {
    hasStopped: () => rows.stopped() !== undefined,
    size: () => crew.size,
    settle: rows.settle
  })
  yield* Effect.ensuring(rows.work(taken.rows), spending.end).pipe(
    Effect.provideService(ReplyStore, rows.replies),
    Effect.provideService(SpendStore, spending.store),
    Effect.provideService(RowTrace.Part, chunks),
    Run.orBroken,
    Effect.catchTag("JobBroken", rows.stop)
  )
  const reason = rows.stopped()
  const isError = reason instanceof Error
  const detail = isError ? RowFailure.messageOf(reason, yield* Redact.Redactor) : undefined
  rows.flush()
  const outcome = isError ? RowFailure.tagOf(reason) : (reason ?? "done")
  const end = Effect.andThen(taken.giveBackAll, journal.end({ outcome, detail, invalid: 0 }))
  yield* isError ? Effect.ignore(end) : Run.orBroken(end)
  if (reason instanceof StopRules.JobNeeds) return yield* reason
  return { stopped: isWanted && !isError ? "wanted" : (reason ?? "signal") } satisfies Ended
})

/** Compares the job with the submitted one: its shape, its first request, and its results for finished rows. */
const checkJob = Effect.fnUntraced(function* <Row, Out, E>(job: Job<Row, Out, E>) {
  const journal = yield* Journal
  const chunks = yield* Chunks
  const sample = yield* journal.sample(Recheck.size)
  const submitted = Option.getOrUndefined(decodeFirst(chunks.firstRequest))
  const wanted = [...(submitted === undefined ? [] : [submitted.key]), ...sample.map(({ key }) => key)]
  const stored = yield* chunks.inputs(wanted)
  const decode = ChunkRows.inputsOf(job)
  const found = yield* Effect.forEach(stored, (row) =>
    Effect.map(Effect.option(decode(row)), (decoded) =>
      decoded._tag === "Some" ? [{ key: row.key, ordinal: row.ordinal, ...decoded.value }] : []
    )
  )
  const rows = found.flat()
  yield* Recheck.compare(job, submitted, rows.find(({ key }) => key === submitted?.key)?.row)
  yield* Recheck.check(job, sample, rows)
})

const decodeFirst = Schema.decodeUnknownOption(Schema.fromJsonString(Recheck.FirstRequest))
