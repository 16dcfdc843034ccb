/**
 * Folds the rows of a job into its report. Pure, apart from the state of the fold.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isBilled } from "../../claude/Reply.ts"
import * as Usage from "../../claude/Usage.ts"
import * as Evaluation from "../Evaluation.ts"
import type { Report } from "../Report.ts"
import * as RowFailure from "../RowFailure.ts"
import * as ScoredLine from "../ScoredLine.ts"
import * as Bounded from "./Bounded.ts"
import type * as Head from "./Head.ts"
import * as Histogram from "./Histogram.ts"
import * as Money from "./Money.ts"
import * as Problems from "./Problems.ts"
import type { Attempt, Call, RowLog } from "./RowLog.ts"
import * as Rows from "./Rows.ts"
import * as Series from "./Series.ts"

export interface Options {
  readonly redact: (text: string) => string
  readonly texts: boolean
  /** The run that claimed the rows of the last run. Rows of other runs are no longer in the input. */
  readonly claimed: number
  readonly runs: ReadonlyArray<Head.Run>
  /** Calls of old states have no date: they get the prices of this one. */
  readonly now: Date
}

/** Runs whose calls are drawn over time. */
const mostSeries = 6

const states = { done: 1, failed: 2 } as const

const makeLatency = () => ({ duration: Histogram.make(), firstToken: Histogram.make() })

/** Starts without a row. */
export const make = ({ claimed, now, redact, runs, texts }: Options) => {
  const counts = { done: 0, failed: 0 }
  const money = Money.make()
  const problems = Problems.make(redact)
  const details = Rows.make({ redact, texts })
  const all = makeLatency()
  const steps = Bounded.groups(makeLatency)
  const drawn = runs.filter(({ calls }) => calls > 0).slice(-mostSeries)
  const series = new Map(drawn.map(({ run }) => [run, Series.make()]))
  const scores = Evaluation.counter()
  let number = 0

  const addCall = (call: Call) => {
    const { at, bill, duration, firstToken, isRejected, origin, path, run } = call
    money.call(call, at === null ? now : new Date(at))
    if (isRejected) problems.rejected()
    if (at === null || run === null || !isBilled(origin)) return
    const recorder = series.get(run)
    if (origin === "batch") return recorder?.add(at, { batched: 1, outputTokens: bill.usage.output })
    const started = at - (duration ?? 0)
    recorder?.add(started, { requests: 1, inputTokens: Usage.totalInput(bill.usage) })
    recorder?.add(at, { outputTokens: bill.usage.output })
    for (const latency of duration === null ? [] : [all, steps.of(path)]) {
      latency.duration.add(duration ?? 0)
      if (firstToken !== null) latency.firstToken.add(firstToken)
    }
  }
  const addAttempt = (attempt: Attempt, isDone: boolean) => {
    money.attempt(attempt, new Date(attempt.at))
    problems.attempt(attempt, number, isDone)
    series.get(attempt.run)?.add(attempt.at, { requests: 1, lost: 1 })
  }
  const add = (row: RowLog) => {
    number += 1
    const isDone = row.state === states.done
    const isCurrent = row.run === claimed
    const value = isCurrent && row.value !== null ? row.value : undefined
    const failure =
      value === undefined || row.state !== states.failed ? undefined : Option.getOrUndefined(decodeFailure(value))
    if (isCurrent) {
      counts.done += isDone ? 1 : 0
      counts.failed += row.state === states.failed ? 1 : 0
    }
    for (const call of row.calls) addCall(call)
    for (const attempt of row.attempts) addAttempt(attempt, isDone)
    const line = value === undefined || !isDone ? undefined : Option.getOrUndefined(decodeLine(value))
    if (line !== undefined) scores.add(ScoredLine.read(line))
    if (failure !== undefined) problems.failed(row, failure)
    details.add(row, failure)
  }
  const result = (
    head: Pick<
      Report,
      "job" | "made" | "emulated" | "pipeline" | "runs" | "workers" | "limits" | "waits" | "replays"
    > & {
      readonly unsettled: BigDecimal.BigDecimal
    }
  ): Report => {
    const { emulated, job, limits, made, pipeline, replays, waits, workers } = head
    const last = runs.at(-1)
    const evaluation = scores.result()
    const total = last?.total ?? 0
    return {
      job: redact(job),
      made,
      emulated,
      pipeline,
      rows: {
        total,
        ...counts,
        pending: Math.max(0, total - counts.done - counts.failed),
        invalid: last?.invalid ?? 0
      },
      runs: runs.map((run) => ({ ...run, detail: run.detail && redact(run.detail) })),
      workers: workers.map((worker) => ({ ...worker, worker: redact(worker.worker) })),
      total: {
        calls: runs.reduce((sum, run) => sum + run.calls, 0),
        cost: BigDecimal.sumAll(runs.map(({ cost }) => cost)),
        unpriced: runs.reduce((sum, run) => sum + run.unpriced, 0),
        unsettled: head.unsettled
      },
      money: money.result(),
      replays,
      series: Array.from(series, ([run, recorder]) => ({ run, ...recorder.result() })).filter(
        ({ slots }) => slots.length > 0
      ),
      limits,
      waits,
      latency: latencyOf(all, steps.entries()),
      problems: problems.result(),
      details: details.result(),
      ...(evaluation !== undefined && { evaluation })
    }
  }
  return { add, result }
}

// What cannot be read must not keep the user from the rest of the report.
const decodeFailure = Schema.decodeOption(RowFailure.Stored)
const decodeLine = Schema.decodeOption(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))

const latencyOf = (
  all: ReturnType<typeof makeLatency>,
  steps: ReadonlyArray<readonly [string, ReturnType<typeof makeLatency>]>
): Report["latency"] => {
  const [total] = resultOf(["", all])
  if (total === undefined) return null
  return { all: total, steps: steps.flatMap(resultOf).toSorted((one, other) => other.duration.p50 - one.duration.p50) }
}

const resultOf = ([step, { duration, firstToken }]: readonly [string, ReturnType<typeof makeLatency>]) => {
  const durations = duration.result()
  return durations === undefined ? [] : [{ step, duration: durations, firstToken: firstToken.result() ?? null }]
}
