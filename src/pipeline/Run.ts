/**
 * Runs a job: claims its rows, puts each pending row through the step, and writes the output from the journal. A run
 * stops early where the remaining rows would fail too (`StopRules`) or its limit is reached; the next run continues.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Claude } from "../claude/Claude.ts"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import * as Event from "../claude/Event.ts"
import * as Redact from "../claude/Redact.ts"
import { ReplyStore } from "../claude/ReplyStore.ts"
import { SpendStore } from "../claude/SpendStore.ts"
import * as Batch from "./Batch.ts"
import { claimRows, maxReported } from "./Claims.ts"
import * as Confirm from "./Confirm.ts"
import * as Controls from "./Controls.ts"
import * as Dataset from "./Dataset.ts"
import * as Destinations from "./Destinations.ts"
import { Drain } from "./Drain.ts"
import * as Durable from "./Durable.ts"
import * as FailuresFile from "./FailuresFile.ts"
import * as InputColumns from "./InputColumns.ts"
import type { Job } from "./Job.ts"
import { Journal, type Totals } from "./Journal.ts"
import * as PendingRows from "./PendingRows.ts"
import * as Recheck from "./Recheck.ts"
import * as Rejects from "./Rejects.ts"
import * as ResultLine from "./ResultLine.ts"
import * as RowFailure from "./RowFailure.ts"
import * as Rows from "./Rows.ts"
import * as Selection from "./Selection.ts"
import * as Spending from "./Spending.ts"
import * as StopRules from "./StopRules.ts"
import * as Workers from "./Workers.ts"

/** How to run a job. */
export interface RunOptions<in Row = never> extends Selection.Selection<Row> {
  readonly output?: string
  /** Rows worked on at once; see `Batch`. */
  readonly concurrency?: number
  /** Stop after this many rows. */
  readonly limit?: number
  /** Stop after this many rows have failed. */
  readonly maxFailures?: number
  /** Take only rows that failed in their last run, and with `reason` only if the error has it, such as `Overloaded`. */
  readonly only?: "failed" | { readonly reason: string }
  /**
   * What to do with finished rows if the program has changed since. `stop`, the default, checks some of them, and fails
   * with `JobChanged` before anything is sent. `keep` keeps their results, and does not check them again. `rerun` runs
   * every row again: calls that have not changed are replayed, so only the changed ones are paid for.
   */
  readonly changed?: "stop" | "keep" | "rerun"
  /** The file for invalid rows. Without it, they make the run fail. */
  readonly rejects?: string
  /** Decides whether the run begins, from an estimate; see `Confirm`. By default it begins. */
  readonly confirm?: Confirm.Confirm
}

/**
 * Why a run ended before every row was done. `selection`: it ran all rows that its options select; `input`: some rows
 * were missing when the input was read again.
 */
export type Stopped =
  | ClaudeError
  | StopRules.JobHopeless
  | StopRules.JobBroken
  | "limit"
  | "selection"
  | "failures"
  | "signal"
  | "input"

/** How a run ended. Rows are counted over all runs. */
export interface Summary {
  /** Rows of the input, invalid ones included. */
  readonly total: number
  readonly done: number
  /** Rows that Claude or the program failed on. The next run tries them again. */
  readonly failed: number
  /** Rows that are still to run. There are some only if the run stopped early. */
  readonly pending: number
  /** The pending rows that failed in an earlier run, if there are some. */
  readonly failedBefore?: number
  /** Rows that cannot be read, or whose key is unusable or taken. */
  readonly invalid: number
  /** The file with all invalid rows, if the run has one for them and there are some. */
  readonly rejectsFile?: string
  /** Messages for the first invalid rows, unless they are in a file, and for the first failed rows. */
  readonly problems: ReadonlyArray<string>
  /** The file with all failed rows, as lines of JSON: key, error, message, attempts, calls and cost. */
  readonly failuresFile: string | undefined
  /** What this run and all runs were billed. */
  readonly cost: Totals
  /** Whether an emulator answered in place of Claude, in this run or an earlier one. */
  readonly emulated: boolean
  /**
   * Whether the input has changed since the earlier run. Finished rows keep their results, also where their input was
   * edited; `changed: "rerun"` runs them again.
   */
  readonly inputChanged: boolean
  /** Why the run ended before every row was done. The next run continues. */
  readonly stopped: Stopped | undefined
}

/** The layer of the job cannot be built, so no row was claimed. */
export class JobLayerFailed extends Schema.TaggedError<JobLayerFailed>()("JobLayerFailed", { detail: Schema.String }) {
  override get message() {
    return `the layer of the job failed: ${this.detail}`
  }
}

const noLayer = "it is no Layer; put a policy onto Job.claude, such as `layer: Job.claude.pipe(Retry.policy())`"

/**
 * Runs a job. It reads the input once before it sends anything, so that all invalid rows are known at the start, and then
 * puts every row that is not done through the step. Once rows are claimed it fails only if the journal cannot be read, or
 * if nothing provides a service that the step uses.
 */
export const run = Effect.fn("Job.run")(function* <Row, Out, E>(
  job: Job<Row, Out, E>,
  options: RunOptions<NoInfer<Row>> = {}
) {
  const context = yield* build(job)
  return yield* Effect.provideContext(runRows(job, options, hasServices(context)), context)
}, Effect.scoped)

/** Whether the layer of a job provides more than Claude and settings. */
const hasServices = ({ mapUnsafe }: Context.Context<Claude>): boolean =>
  Array.from(mapUnsafe.keys()).some((key) => !/^effect-claude\/|^effect\/(?:Layer|References|Tracer|Logger)/.test(key))

/**
 * Builds the layer of the job, in the scope of the run and apart from every other run. The calls of rows are durable: those
 * to the Claude that the layer gets, and those to the one that it makes.
 */
export const build = Effect.fnUntraced(function* ({
  layer = Layer.empty
}: Pick<Job<never, unknown, unknown>, "layer">) {
  // Without a check of types, this may be a policy. The annotation keeps the type of the layer as it is.
  const isLayer: boolean = Layer.isLayer(layer)
  if (!isLayer) return yield* new JobLayerFailed({ detail: noLayer })
  const claude = Durable.wrap(yield* Claude)
  const scope = yield* Effect.scope
  const built = yield* Layer.buildWithMemoMap(layer, Layer.makeMemoMapUnsafe(), scope).pipe(
    Effect.provideService(Claude, claude),
    Effect.mapError((error) => new JobLayerFailed({ detail: RowFailure.messageOf(error) })),
    Effect.catchDefect((defect) => {
      const needs = StopRules.missingService(defect)
      return needs === undefined ? Effect.die(defect) : Effect.fail(needs)
    })
  )
  const own = Context.getOption(built, Claude)
  return Context.add(built, Claude, Option.match(own, { onNone: () => claude, onSome: Durable.wrap }))
})

const runRows = Effect.fnUntraced(function* <Row, Out, E>(
  job: Job<Row, Out, E>,
  options: RunOptions<Row>,
  hasServices: boolean
) {
  const journal = yield* Journal
  const output = options.output ?? job.sink
  const selection = yield* Effect.cached(Selection.make(job, options))
  const pending = Stream.unwrap(
    Effect.map(selection, (isSelected) => Stream.filter(PendingRows.of(job, options.only ?? "all"), isSelected))
  )
  const claude = yield* Claude
  const { capacity } = claude
  const inFlight = options.concurrency === undefined ? capacity : Effect.succeed(options.concurrency)
  const { confirm, limit = Infinity } = options
  const planned = { pending: Stream.take(pending, limit), inFlight, hasServices }
  const ask = confirm && ((finished: Confirm.Finished<Row>) => Confirm.ask(job, confirm, planned, finished))
  const { inputChanged, invalid, problems, rejectsFile, sink, total } = yield* journal.begin(
    start(job, output, options, ask)
  )
  const fanOut = Batch.fanOut(options)
  const crew = Workers.crew(yield* fanOut)
  const rows = Rows.make(job, journal, options, inFlight, yield* Clock.Clock, crew)
  const report = Effect.flatMap(inFlight, (calls) =>
    Event.emit(() => ({ _tag: "run-paced", calls, paused: crew.isPaused }))
  )
  yield* report
  /** Stores how the run ended. A broken journal cannot. */
  const end = Effect.fnUntraced(function* (reason: Stopped | StopRules.JobNeeds | "interrupted" | undefined) {
    rows.flush()
    const isError = reason instanceof Error
    const detail = isError ? RowFailure.messageOf(reason, yield* Redact.Redactor) : undefined
    yield* journal.end({ outcome: isError ? RowFailure.tagOf(reason) : (reason ?? "done"), detail, invalid })
  })
  const spending = Spending.make(yield* journal.spending, rows.orStop)
  yield* stopOnDrain(rows.stop)
  yield* Controls.follow(journal.controls, {
    ...rows,
    report,
    isShared: false,
    fit: Effect.flatMap(Effect.provideService(fanOut, Claude, claude), (size) => Workers.change(crew, { size }))
  })
  const failuresFile = yield* Effect.gen(function* () {
    yield* Effect.ensuring(rows.work(pending), spending.end)
    yield* rows.settle
    yield* sink.replaceWith(journal.outputs, knownOf(job))
    return yield* FailuresFile.write(output)
  }).pipe(
    Effect.provideService(ReplyStore, rows.replies),
    Effect.provideService(SpendStore, spending.store),
    orBroken,
    Effect.catchTag("JobBroken", (error) => Effect.as(rows.stop(error), undefined)),
    Effect.onInterrupt(() => Effect.ignore(end("interrupted")))
  )
  const reason = rows.stopped()
  if (reason instanceof StopRules.JobNeeds) return yield* Effect.andThen(orBroken(end(reason)), reason)
  return yield* orBroken(
    Effect.gen(function* () {
      const { done, failed, pending } = yield* journal.counts
      const failures = yield* journal.failures.pipe(
        Stream.take(maxReported),
        Stream.mapEffect(RowFailure.describe),
        Stream.runCollect
      )
      const failedBefore = pending === 0 || reason instanceof StopRules.JobBroken ? 0 : yield* journal.failedBefore
      const unselected = options.sample ?? options.where ?? options.only
      const stopped = reason ?? (pending === 0 ? undefined : unselected === undefined ? "input" : "selection")
      yield* reason instanceof StopRules.JobBroken ? Effect.ignore(end(reason)) : end(stopped)
      return {
        total,
        done,
        failed,
        pending,
        ...(failedBefore > 0 && { failedBefore }),
        invalid,
        ...(rejectsFile !== undefined && { rejectsFile }),
        problems: [...(rejectsFile === undefined ? problems : []), ...failures],
        failuresFile,
        cost: yield* journal.totals,
        emulated: yield* journal.emulated,
        inputChanged: inputChanged && options.changed !== "rerun",
        stopped
      } satisfies Summary
    })
  )
})

/** Stops the run when the program asks for it. */
export const stopOnDrain = (stop: (reason: "signal") => Effect.Effect<void>) =>
  Effect.flatMap(Drain, (drain) =>
    drain === undefined ? Effect.void : Effect.forkScoped(Effect.andThen(drain.await, stop("signal")))
  )

/** How rows are claimed. */
type Claiming = Pick<RunOptions, "changed" | "rejects">

/** Claims the rows, and checks whether the job has changed. It needs a run that begins. */
export const claim = Effect.fnUntraced(function* <Row, Out, E>(
  job: Job<Row, Out, E>,
  output: string,
  { changed = "stop", rejects }: Claiming,
  checked: number = Recheck.size
) {
  const journal = yield* Journal
  const refuse = refusing(output)
  yield* Destinations.check(job.source, { output, failures: FailuresFile.pathOf(output), rejects })
  if (rejects !== undefined) yield* Rejects.check(rejects)
  if (ResultLine.hasKey(job.output)) return yield* refuse(keyIsTaken)
  yield* InputColumns.check(job, output)
  const sample = changed === "stop" ? yield* journal.sample(checked) : []
  const claims = yield* claimRows(job, sample, rejects !== undefined)
  if (changed === "stop") yield* Recheck.check(job, sample, claims.found)
  if (changed === "keep") yield* journal.keep
  if (changed === "rerun") yield* journal.rerun
  const rejectsFile = rejects === undefined ? undefined : yield* Rejects.write(rejects, job, claims)
  return { ...claims, rejectsFile, sample }
})

const refusing = (path: string) => (detail: string) => new Dataset.DatasetFailed({ path, detail })

/** Claims the rows, asks whether to begin, and opens the output. */
const start = Effect.fnUntraced(function* <Row, Out, E, E2, R>(
  job: Job<Row, Out, E>,
  output: string,
  options: Claiming,
  ask: ((finished: Confirm.Finished<Row>) => Effect.Effect<void, E2, R>) | undefined
) {
  const journal = yield* Journal
  const refuse = refusing(output)
  const { sample, ...claims } = yield* claim(job, output, options, ask === undefined ? undefined : Confirm.maxFinished)
  const { found, invalid, problems } = claims
  if (ask !== undefined) yield* ask({ sample, found, invalid: { invalid, problems } })
  if (invalid > 0 && claims.rejectsFile === undefined) yield* warnOf(claims)
  const done = options.changed === "rerun" ? 0 : claims.done
  yield* Event.emit(() => ({ _tag: "rows-counted", total: claims.total - claims.invalid, done }))
  const sink = yield* Dataset.writeLines(output)
  const size = yield* sink.size
  if (claims.done === 0 && size > 0 && (sink.isLive || (yield* hasRows(output)))) {
    return yield* refuse(journal.finishedBefore === 0 ? unknownLines : otherKeys)
  }
  // After a crash or by hand, the file may lack lines, or end in half a line.
  if (sink.isLive && size !== (yield* journal.outputSize)) yield* sink.replaceWith(journal.outputs)
  if (sink.isLive) yield* journal.appendTo(sink.append)
  return { ...claims, sink }
})

/** The other rows run meanwhile, so that these can be corrected. The summary names more of them. */
const warnOf = ({ invalid, problems }: Pick<Summary, "invalid" | "problems">) => {
  const first = problems.slice(0, 3).join("; ")
  return Effect.logWarning(
    invalid === 1
      ? `one row is invalid, and does not run: ${first}`
      : `${invalid} rows are invalid, and do not run: ${first}`
  )
}

/** Whether a file has rows, or something else. A run without results leaves a file with columns only. */
const hasRows = (path: string) =>
  Effect.match(Stream.runHead(Dataset.fromFile(Schema.Unknown, path).rows), {
    onFailure: () => true,
    onSuccess: Option.isSome
  })

/** What is known of the columns of an output. */
export const knownOf = <Row, Out, E>({ output, source: { path } }: Job<Row, Out, E>) => ({
  ...(path !== undefined && { files: [path] }),
  results: output
})

const keyIsTaken = `each line has the key of its row as "key", and the results have a field "key" too; rename that field`

const otherKeys =
  "has lines of rows whose keys the input does not have: the key of the job has changed, or the input; change it back, or " +
  "write the output and the state to other files"

const unknownLines = "has lines that this state does not know; move it away, or write the output to another file"

/** Any failure or defect becomes `JobBroken`. An interruption stays one. */
export const orBroken = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, StopRules.JobBroken, R> =>
  Effect.catchCause(effect, (cause) =>
    Cause.hasInterruptsOnly(cause) ? Effect.interrupt : Effect.fail(StopRules.broken(cause))
  )
