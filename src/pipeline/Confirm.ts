/**
 * Asks before a run begins: it samples the rows that the run would take, puts them through the step without sending
 * anything, and shows the estimate to the caller, who decides. It reads the rows once and stores nothing.
 */
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import type { Scope } from "effect/Scope"
import type * as Stream from "effect/Stream"
import { Claude } from "../claude/Claude.ts"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import type { Request } from "../claude/Request.ts"
import * as TokenEstimate from "../claude/TokenEstimate.ts"
import * as Usage from "../claude/Usage.ts"
import * as Estimate from "./Estimate.ts"
import * as Sampling from "./confirm/Sampling.ts"
import * as Trial from "./confirm/Trial.ts"
import type { Job } from "./Job.ts"
import { Journal, type SampledRow, type Source } from "./Journal.ts"
import type { KeyedRow } from "./KeyedRow.ts"
import type { PendingRow } from "./PendingRows.ts"

/** A request of one of the first rows, as it would be sent. */
export interface FirstRequest {
  readonly key: string
  readonly path: string
  readonly request: Request
}

/** What the decision is about. */
export interface Proposal {
  readonly job: string
  readonly estimate: Estimate.Estimate
  /** The requests of the first rows. */
  readonly requests: ReadonlyArray<FirstRequest>
  /** Sampled rows that did not reach their end, and why: their later calls are not counted. */
  readonly problems: ReadonlyArray<string>
  /** Whether only the first calls of each row are counted, because the step uses services of the job. */
  readonly isPartial: boolean
  /** Whether sampled rows ended at a tool: an estimate runs no handlers, so the calls after it are not counted. */
  readonly endsAtTools: boolean
  /** Rows that cannot run, and messages for the first of them. */
  readonly invalid: Pick<Source, "invalid" | "problems">
  /** Whether amounts come from an emulator's answers, or its answers are in the state and do not count for Claude. */
  readonly emulated: "used" | "ignored" | "none"
}

/** How to estimate, and who decides. */
export interface Confirm {
  /** Answers in place of Claude, so that a step with several calls reaches its end. */
  readonly standIn: Effect.Effect<Claude["Service"], never, Scope>
  /** Whether an emulator will answer the run. Only then, answers of an emulator in the state say something about it. */
  readonly emulated: Effect.Effect<boolean>
  /** Lets the API count the tokens of sampled prompts. Counting is free, but it sends them. */
  readonly countTokens: boolean
  /** Adds the breakpoints of the prompt cache to a request. */
  readonly place: (request: Request) => Request
  readonly limits: Estimate.Limits
  /** Whether the run begins. */
  readonly decide: (proposal: Proposal) => Effect.Effect<boolean>
}

/** The run was declined before it began. Nothing was sent, and nothing has changed. */
export class JobDeclined extends Schema.TaggedError<JobDeclined>()("JobDeclined", { job: Schema.String }) {
  override get message() {
    return `the run of "${this.job}" was declined; nothing was sent, and nothing has changed`
  }
}

/** Sampled rows that go through the step. */
const maxTried = 50

/** First rows whose requests are shown. */
const maxFirst = 2

/** Finished rows whose replies are read. */
export const maxFinished = 24

/** Rows whose prompts the API counts. */
const maxCounted = 20

/** What a run would do. */
export interface Planned<Row, E, R> {
  readonly pending: Stream.Stream<PendingRow<Row>, E, R>
  /** The number of calls in flight at once. */
  readonly inFlight: Effect.Effect<number>
  /** Whether the job has services besides Claude. */
  readonly hasServices: boolean
}

/** Finished rows with their replies, the ones among them that the input still has, and the rows that cannot run. */
export interface Finished<Row> {
  readonly invalid: Proposal["invalid"]
  readonly sample: ReadonlyArray<SampledRow>
  readonly found: ReadonlyArray<KeyedRow<Row>>
}

/** Fails with `JobDeclined`, or returns and the run begins. */
export const ask = Effect.fnUntraced(function* <Row, Out, E, E2, R>(
  job: Job<Row, Out, E>,
  confirm: Confirm,
  { hasServices: isPartial, inFlight, pending }: Planned<Row, E2, R>,
  finished: Finished<Row>
) {
  const isAnswered = yield* Journal.use(({ emulated }) => emulated)
  const isEmulated = (isAnswered || confirm.countTokens) && (yield* confirm.emulated)
  const isIgnored = isAnswered && !isEmulated
  const { invalid } = finished
  const rows = isIgnored ? { sample: [], found: [], invalid } : finished
  const sampling = yield* Sampling.take(pending, {
    count: maxTried,
    first: maxFirst,
    sizeOf: ({ encoded }) => Sampling.sizeOf(encoded)
  })
  const standIn = isPartial ? undefined : yield* confirm.standIn
  const tryRow = Trial.make(job, standIn)
  const trials = new Map<PendingRow<Row>, Trial.Trial>()
  const both = new Set([...sampling.first, ...sampling.sample.map(({ row }) => row)])
  yield* Effect.forEach(both, (row) => Effect.map(tryRow(row), (trial) => trials.set(row, trial)), {
    concurrency: 8,
    discard: true
  })
  const callsOf = (row: PendingRow<Row>) => trials.get(row)?.calls ?? []
  const learnt = isIgnored ? {} : yield* Journal.use(({ limits }) => limits)
  const replaysOfTrials = isIgnored ? [] : [...trials.values()].flatMap(({ replayed }) => replayed)
  const replayed = [...(yield* replaysOf(job, rows)), ...replaysOfTrials]
  const requests = sampling.sample.slice(0, maxCounted).flatMap(({ row }) => callsOf(row))
  const estimate = Estimate.of({
    rows: sampling.rows,
    size: sampling.size,
    sample: sampling.sample.map(({ row, size }) => ({ size, calls: callsOf(row) })),
    answered: replayed.map(({ message, path }) => ({ path, output: Usage.billed(message).output })),
    counted: [
      ...replayed.map(({ message, path, request }) => ({
        path,
        estimated: TokenEstimate.of(request),
        tokens: Usage.totalInput(Usage.billed(message))
      })),
      ...(confirm.countTokens ? yield* countAll(requests) : [])
    ],
    timed: rows.sample.flatMap(({ replies }) =>
      replies.flatMap(({ duration, path }) => (duration === undefined ? [] : [{ path, seconds: duration / 1000 }]))
    ),
    place: confirm.place,
    learntLimits: Record.map(learnt, ({ inputTokens, outputTokens, requests }) => ({
      requestsPerMinute: requests,
      inputTokensPerMinute: inputTokens,
      outputTokensPerMinute: outputTokens
    })),
    limits: confirm.limits,
    concurrency: yield* inFlight,
    at: yield* DateTime.nowAsDate
  })
  const proposal: Proposal = {
    job: job.name,
    estimate,
    requests: sampling.first.flatMap((row) =>
      callsOf(row).map(({ path, request }) => ({ key: row.key, path, request }))
    ),
    problems: Arr.dedupe([...trials.values()].flatMap(({ problem }) => problem ?? [])),
    isPartial,
    endsAtTools: [...trials.values()].some(({ endsAtTool }) => endsAtTool),
    invalid,
    emulated: isEmulated ? "used" : isIgnored ? "ignored" : "none"
  }
  if (!(yield* confirm.decide(proposal))) return yield* new JobDeclined({ job: job.name })
}, Effect.scoped)

/** The calls of finished rows, with the replies that are stored for them. */
const replaysOf = <Row, Out, E>(job: Job<Row, Out, E>, { found, sample }: Omit<Finished<Row>, "invalid">) => {
  const stored = new Map(sample.map((row) => [row.key, row]))
  const tryRow = Trial.make(job, undefined)
  return Effect.map(
    Effect.forEach(
      found,
      ({ key, row }) => tryRow({ key, row, hasFailed: true, replies: stored.get(key)?.replies ?? [] }),
      { concurrency: 8 }
    ),
    Arr.flatMap(({ replayed }) => replayed)
  )
}

const countAll = (calls: ReadonlyArray<Estimate.Call>): Effect.Effect<ReadonlyArray<Learnt>, ClaudeError, Claude> =>
  Claude.use((claude) =>
    Effect.forEach(
      calls,
      ({ path, request }) =>
        Effect.map(claude.countTokens(request), (tokens) => ({ path, estimated: TokenEstimate.of(request), tokens })),
      { concurrency: 8 }
    )
  )

type Learnt = Estimate.Observed["counted"][number]
