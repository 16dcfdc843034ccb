/**
 * The rows that took longest, cost most or failed, each with its calls and attempts. Texts are included only by choice.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Schema from "effect/Schema"
import { isBilled, text } from "../../claude/Reply.ts"
import * as Usage from "../../claude/Usage.ts"
import type * as RowFailure from "../RowFailure.ts"
import * as Bounded from "./Bounded.ts"
import type { Attempt, Call, RowLog } from "./RowLog.ts"

/** A call, or an attempt without a reply. */
export const Step = Schema.Struct({
  step: Schema.String,
  model: Schema.String,
  run: Schema.NullOr(Schema.Int),
  worker: Schema.optionalKey(Schema.String),
  /** When it was sent, as an ISO date, or stored where that is unknown. */
  at: Schema.NullOr(Schema.String),
  milliseconds: Schema.NullOr(Schema.Finite),
  firstToken: Schema.NullOr(Schema.Finite),
  /** Where the reply came from, or `lost`. */
  origin: Schema.Literals(["api", "batch", "cache", "journal", "lost"]),
  /** Why there is no reply, with its status, or why the reply was not used. */
  problem: Schema.NullOr(Schema.String),
  requestId: Schema.NullOr(Schema.String),
  inputTokens: Schema.Int,
  outputTokens: Schema.Int,
  /** Null where no price is known. */
  cost: Schema.NullOr(Schema.BigDecimalFromString),
  request: Schema.optionalKey(Schema.String),
  reply: Schema.optionalKey(Schema.String)
})

/** A row of the lists. */
export const Row = Schema.Struct({
  key: Schema.String,
  state: Schema.Literals(["pending", "done", "failed"]),
  /** From the first request to the last answer of its last run; 0 where that is unknown, as for batches. */
  milliseconds: Schema.Finite,
  cost: Schema.BigDecimalFromString,
  error: Schema.NullOr(Schema.String),
  steps: Schema.Array(Step),
  /** Calls and attempts that are left out. */
  more: Schema.Int,
  result: Schema.optionalKey(Schema.String)
})
export type Row = typeof Row.Type

/** The rows to look at. */
export const Rows = Schema.Struct({
  slowest: Schema.Array(Row),
  dearest: Schema.Array(Row),
  /** The first failed rows. */
  failed: Schema.Array(Row)
})
export type Rows = typeof Rows.Type

/** Rows of each list, and the calls and attempts of a row. */
const mostRows = 10
const mostSteps = 30
const longestText = 2000

const zero = BigDecimal.fromBigInt(0n)
const states = ["pending", "done", "failed"] as const

export const make = ({ redact, texts }: { readonly redact: (text: string) => string; readonly texts: boolean }) => {
  const slowest = Bounded.top<Row>(mostRows)
  const dearest = Bounded.top<Row>(mostRows)
  const failed = Bounded.top<Row>(mostRows)

  const shorten = (text: string) => {
    const safe = redact(text)
    return safe.length > longestText ? `${safe.slice(0, longestText)}…` : safe
  }
  const rowOf = (log: RowLog, milliseconds: number, cost: BigDecimal.BigDecimal, failure?: RowFailure.Stored): Row => {
    const steps = [...log.calls, ...log.attempts].toSorted((one, other) => startOf(one) - startOf(other))
    return {
      key: redact(log.key),
      state: states[log.state] ?? "pending",
      milliseconds,
      cost,
      error: failure === undefined ? null : redact(`${failure.error}: ${failure.message}`),
      steps: steps.slice(0, mostSteps).map((step) => (step._tag === "Call" ? callOf(step) : attemptOf(step))),
      more: Math.max(0, steps.length - mostSteps),
      ...(texts && log.state === 1 && log.value !== null && { result: shorten(log.value) })
    }
  }
  const callOf = (call: Call): typeof Step.Type => ({
    ...placeOf(call),
    firstToken: call.firstToken,
    origin: call.origin,
    problem: call.isRejected ? "the reply was not used" : null,
    inputTokens: Usage.totalInput(call.bill.usage),
    outputTokens: call.bill.usage.output,
    cost: isBilled(call.origin) ? (call.bill.cost ?? null) : zero,
    ...(texts && { reply: shorten(text(call.message)) }),
    ...(call.request !== null && { request: shorten(call.request) })
  })

  return {
    add: (log: RowLog, failure: RowFailure.Stored | undefined) => {
      const milliseconds = spanOf(log)
      const cost = costOf(log)
      if (milliseconds > 0) slowest.add(milliseconds, () => rowOf(log, milliseconds, cost, failure))
      if (BigDecimal.isPositive(cost))
        dearest.add(Number(BigDecimal.format(cost)), () => rowOf(log, milliseconds, cost, failure))
      if (failure !== undefined) failed.add(0, () => rowOf(log, milliseconds, cost, failure))
    },
    result: (): Rows => ({ slowest: slowest.values(), dearest: dearest.values(), failed: failed.values() })
  }
}

const placeOf = (step: Call | Attempt) => {
  const start = startOf(step)
  const { model, path, requestId, run, worker } = step
  const at = Number.isFinite(start) ? new Date(start).toISOString() : null
  return {
    step: path,
    model,
    run,
    ...(worker !== undefined && { worker }),
    at,
    milliseconds: step.duration,
    requestId
  }
}

const attemptOf = (attempt: Attempt): typeof Step.Type => ({
  ...placeOf(attempt),
  firstToken: null,
  origin: "lost",
  problem: [attempt.reason, attempt.status, attempt.code].filter((part) => part !== null).join(" "),
  inputTokens: attempt.usage === undefined ? 0 : Usage.totalInput(attempt.usage),
  outputTokens: attempt.usage?.output ?? 0,
  cost: attempt.usage === undefined ? zero : (attempt.cost ?? null)
})

const startOf = (step: Call | Attempt): number =>
  step._tag === "Attempt" ? step.at : step.at === null ? -Infinity : step.at - (step.duration ?? 0)

/** The calls of batches take as long as the batch, which says nothing about the row. */
const spanOf = ({ attempts, calls }: RowLog): number => {
  const timed = [...calls, ...attempts].filter(
    (step) => step.duration !== null && (step._tag === "Attempt" || step.origin !== "batch")
  )
  const run = Math.max(...timed.map((step) => step.run ?? 0))
  const ofRun = timed.filter((step) => step.run === run)
  if (ofRun.length === 0) return 0
  const ends = ofRun.map((step) => startOf(step) + (step.duration ?? 0))
  return Math.max(...ends) - Math.min(...ofRun.map(startOf))
}

const costOf = ({ attempts, calls }: RowLog): BigDecimal.BigDecimal => {
  let total = zero
  for (const { bill, origin } of calls) if (isBilled(origin)) total = BigDecimal.sum(total, bill.cost ?? zero)
  for (const { cost } of attempts) total = BigDecimal.sum(total, cost ?? zero)
  return total
}
