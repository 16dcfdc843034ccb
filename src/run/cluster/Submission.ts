/**
 * Stores the rows of a job with their inputs in a database, for the processes that work on it. Submitting again adds what
 * is new.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Amount from "../../claude/Amount.ts"
import { readSame } from "../../pipeline/Claims.ts"
import * as Job from "../../pipeline/Job.ts"
import * as Journal from "../../pipeline/Journal.ts"
import * as KeyedRow from "../../pipeline/KeyedRow.ts"
import * as Recheck from "../../pipeline/Recheck.ts"
import * as Run from "../../pipeline/Run.ts"
import * as OpenBatches from "../OpenBatches.ts"
import * as ChunkQueue from "./ChunkQueue.ts"

/** How a job is submitted. */
export interface SubmitOptions extends Pick<Job.RunOptions, "changed" | "rejects"> {
  readonly output: string
  /** Such as the budget, `5 USD` or `2M tokens`, which holds for all processes together. */
  readonly settings?: Journal.Settings
  readonly command?: Journal.Command
  /** The address of a Redis server that hands out the chunks; by default the database does. */
  readonly queue?: string | undefined
}

/** The result of a submission. */
export interface Submission {
  /** Messages for the first invalid rows, unless they are in a file. */
  readonly problems: ReadonlyArray<string>
  readonly invalid: number
  readonly rejectsFile: string | undefined
  /** Whether the job was submitted before and is not done, so that nothing has changed. */
  readonly isKnown: boolean
}

/**
 * Stores the rows of a job with their inputs, so that other processes can work on them. A job that is submitted and not done
 * keeps its rows if its input is the same, and gets the new limits. Otherwise new rows are added and failed rows are tried
 * again, after the processes that work on the job have ended their calls.
 */
export const submit = Effect.fn("Cluster.submit")(function* <Row, Out, E>(
  job: Job.Job<Row, Out, E>,
  options: SubmitOptions
) {
  const { command, output, queue, settings = {} } = options
  // With another text, workers would have no budget.
  if (settings.budget !== undefined) Amount.fromUnsafe(settings.budget)
  const state = Option.getOrUndefined(yield* Effect.option(find(job.name)))
  const before = state?.shared && { settings: state.settings, isOpen: state.lastRun.outcome === null }
  const chosen = yield* ChunkQueue.choose(job.name, before, queue)
  const known = yield* findKnown(job, state, options)
  if (known !== undefined) return known
  return yield* Effect.gen(function* () {
    const { begin } = yield* Journal.Journal
    if (settings.mode !== "batches") yield* OpenBatches.refuseDirect
    const context = yield* Run.build(job)
    const claim = Effect.tap(Run.claim(job, output, options), () => storeFirstRequest(job))
    const { invalid, problems, rejectsFile } = yield* Effect.provideContext(begin(claim), context)
    return { invalid, problems, rejectsFile, isKnown: false } satisfies Submission
  }).pipe(
    Effect.scoped,
    Effect.provide(
      Journal.layer({
        job: job.name,
        shape: Job.shape(job),
        settings: { ...settings, ...chosen },
        submits: true,
        ...(command !== undefined && { command })
      })
    )
  )
})

/** Stores the first request for the first row, where it is the same twice. */
const storeFirstRequest = Effect.fnUntraced(function* <Row, Out, E>(job: Job.Job<Row, Out, E>) {
  const journal = yield* Journal.Journal
  const page = Option.getOrUndefined(
    yield* Stream.runHead(Stream.filter(KeyedRow.pages(job), ({ page }) => page.size > 0))
  )
  const row = page && (yield* page.row(page.first))
  if (row === undefined || Result.isFailure(row)) return
  const first = Recheck.firstRequest(job, row.success.key, row.success.row)
  const [one, again] = [yield* first, yield* first]
  if (one !== undefined && one.request === again?.request) yield* journal.setFirstRequest(encodeFirst(one))
})

const encodeFirst = Schema.encodeSync(Schema.fromJsonString(Recheck.FirstRequest))

/** The job, if it is submitted with the same input and not done. It then has the limits of the new submission. */
const findKnown = Effect.fnUntraced(function* <Row, Out, E>(
  job: Job.Job<Row, Out, E>,
  state: Journal.State | undefined,
  { changed = "stop", settings: { budget, concurrency, mode = "direct" } = {} }: SubmitOptions
) {
  if (state === undefined || changed !== "stop") return undefined
  const { lastRun, settings, shared } = state
  if (shared?.source === undefined || lastRun.outcome !== null || (settings.mode ?? "direct") !== mode) return undefined
  // Workers that have begun without a budget, or with one in another unit, must begin again.
  if (budget !== undefined && unitOf(budget) !== unitOf(settings.budget)) return undefined
  const same = yield* readSame(job, shared.source, [])
  if (same === undefined) return undefined
  const limits = { ...(budget !== undefined && { budget }), ...(concurrency !== undefined && { concurrency }) }
  if (Object.keys(limits).length > 0) yield* shared.setLimits(limits)
  const { invalid, problems } = shared.source
  return { invalid, problems, rejectsFile: undefined, isKnown: true } satisfies Submission
})

const unitOf = (budget = "") => Option.getOrUndefined(Schema.decodeOption(Amount.Amount)(budget))?.unit

/** The state of a submitted job. */
export const find = Effect.fnUntraced(function* (name: string) {
  const state = (yield* Journal.states).find(({ job }) => job === name)
  return state ?? (yield* new Journal.JobNotSubmitted({ state: "the database", job: name }))
})
