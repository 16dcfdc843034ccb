/**
 * The report of a job over all its runs: how far it is, what it cost, how fast its calls were, and what went wrong. It is
 * plain data, which `Schema` encodes as JSON; a page draws it. It is a fold over what the journal has, whose memory does not
 * grow with the rows.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as Redact from "../claude/Redact.ts"
import { Evaluation } from "./Evaluation.ts"
import * as Fold from "./report/Fold.ts"
import * as Head from "./report/Head.ts"
import { Durations } from "./report/Histogram.ts"
import { Money, Saved } from "./report/Money.ts"
import { Problems } from "./report/Problems.ts"
import * as RowLog from "./report/RowLog.ts"
import { Row, Rows, Step } from "./report/Rows.ts"
import { Series } from "./report/Series.ts"

export { Durations, Money, Problems, Row, Rows, Saved, Series, Step }
export { Run, Worker } from "./report/Head.ts"
export { others } from "./report/Bounded.ts"

/** The durations of the direct calls of a step. */
export const Latency = Schema.Struct({
  step: Schema.String,
  duration: Durations,
  /** To the first content, of streams. */
  firstToken: Schema.NullOr(Durations)
})

/** The report of a job. Costs are exact decimals in US dollars, durations milliseconds. */
export const Report = Schema.Struct({
  job: Schema.String,
  /** When it was made, as an ISO date. */
  made: Schema.String,
  /** Whether an emulator answered, and not Claude; null before the first answer. */
  emulated: Schema.NullOr(Schema.Boolean),
  /** The steps as an outline, one a line; see `Step.draw`. */
  pipeline: Schema.String,
  /** The rows of the last run that has begun. */
  rows: Schema.Struct({
    total: Schema.Int,
    done: Schema.Int,
    failed: Schema.Int,
    pending: Schema.Int,
    invalid: Schema.Int
  }),
  runs: Schema.Array(Head.Run),
  /** What each worker did, where several worked on the job. */
  workers: Schema.Array(Head.Worker),
  /** What all runs were billed, and the most that calls may have cost whose bill is unknown. */
  total: Schema.Struct({
    calls: Schema.Int,
    cost: Schema.BigDecimalFromString,
    unpriced: Schema.Int,
    unsettled: Schema.BigDecimalFromString
  }),
  money: Money,
  /** Replies of earlier runs that were used again. */
  replays: Saved,
  /** Of the last runs with calls. */
  series: Schema.Array(Schema.Struct({ run: Schema.Int, ...Series.fields })),
  limits: Schema.Array(Head.Limit),
  waits: Schema.Array(Head.Wait),
  /** Of all calls, and by step, the slowest first. */
  latency: Schema.NullOr(Schema.Struct({ all: Latency, steps: Schema.Array(Latency) })),
  problems: Problems,
  details: Rows,
  /** Where the rows have scores. */
  evaluation: Schema.optionalKey(Evaluation)
})
export type Report = typeof Report.Type

/** What to read. */
export interface Options {
  readonly job: string
  /** Includes the texts of requests, replies and results of the rows that the report lists. */
  readonly texts?: boolean
}

/** Reads the report of a job; undefined where the state has no such job. */
export const of = Effect.fn("Report.of")(function* (options: Options) {
  const { job, texts = false } = options
  const sql = (yield* SqlClient).withoutTransforms()
  const redact = yield* Redact.Redactor
  const now = new Date(yield* Clock.currentTimeMillis)
  const head = yield* Head.read(sql, job, now)
  if (head === undefined) return undefined
  const fold = Fold.make({ redact, texts, claimed: head.claimed, runs: head.runs, now })
  yield* Stream.runForEachArray(RowLog.read(sql, head.id, { now, texts, placeOf: head.placeOf }), (logs) =>
    Effect.sync(() => logs.forEach(fold.add))
  )
  return fold.result({ job, made: now.toISOString(), ...head })
}, Effect.withTracerEnabled(false))

/** A report as the text of JSON. */
export const encodeJson = Schema.encodeEffect(Schema.fromJsonString(Report))
