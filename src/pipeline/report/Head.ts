/**
 * What a journal has about a job apart from its rows: its runs, its steps, and the minutes of its runs.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"
import * as Struct from "effect/Struct"
import * as Journal from "../Journal.ts"
import type { Saved } from "./Money.ts"
import * as WholeRuns from "./WholeRuns.ts"

/** A run, as the report shows it. Dates are ISO texts. */
export const Run = Schema.Struct({
  /** Its number. The runs of workers, which are parts of the run that submitted the job, have numbers between. */
  run: Schema.Int,
  began: Schema.NullOr(Schema.String),
  /** Null while it runs, and where its process was killed. */
  ended: Schema.NullOr(Schema.String),
  /** `done`, why it stopped, or the tag of an error; null where it has not ended, or an earlier version ran it. */
  outcome: Schema.NullOr(Schema.String),
  detail: Schema.NullOr(Schema.String),
  total: Schema.Int,
  done: Schema.Int,
  failed: Schema.NullOr(Schema.Int),
  invalid: Schema.NullOr(Schema.Int),
  /** What it was billed. */
  calls: Schema.Int,
  cost: Schema.BigDecimalFromString,
  unpriced: Schema.Int,
  settings: Journal.Settings
})
export type Run = typeof Run.Type

/** What a worker did of the job, over all its runs. Dates are ISO texts. */
export const Worker = Schema.Struct({
  worker: Schema.String,
  /** `working`; how its last run ended, such as `signal`; or `gone` if it was killed, or has lost the database. */
  state: Schema.String,
  since: Schema.String,
  /** When it was certainly alive; accurate to a minute for one that was killed. */
  seen: Schema.String,
  joined: Schema.Int,
  done: Schema.Int,
  failed: Schema.Int,
  calls: Schema.Int,
  cost: Schema.BigDecimalFromString,
  unpriced: Schema.Int
})

/** The limits per minute of a group of models, from a moment on. */
export const Limit = Schema.Struct({
  run: Schema.Int,
  at: Schema.Finite,
  group: Schema.String,
  requests: Schema.optionalKey(Schema.Finite),
  inputTokens: Schema.optionalKey(Schema.Finite),
  outputTokens: Schema.optionalKey(Schema.Finite)
})

/** How many calls waited for something, and for how long together. */
export const Wait = Schema.Struct({ for: Schema.String, calls: Schema.Int, milliseconds: Schema.Finite })

const zero = BigDecimal.fromBigInt(0n)

/** Undefined where the state has no such job. */
export const read = Effect.fnUntraced(function* (sql: SqlClient, name: string, now: Date) {
  const [job] = yield* Effect.flatMap(
    sql`SELECT id, shape, emulated, unsettled_usd FROM effect_claude_jobs WHERE name = ${name}`,
    decodeJobs
  )
  if (job === undefined) return undefined
  const runs = yield* Effect.flatMap(
    sql`SELECT run, part_of, claimed, total, done, calls, cost, unpriced, CAST(began_at AS DOUBLE PRECISION) AS began,
          CAST(ended_at AS DOUBLE PRECISION) AS ended, outcome, detail, failed, invalid, settings
        FROM effect_claude_runs WHERE job = ${job.id} ORDER BY run`,
    decodeRuns
  )
  const minutes = yield* Effect.flatMap(
    sql`SELECT run, minute, detail FROM effect_claude_minutes WHERE job = ${job.id} ORDER BY run, minute`,
    decodeMinutes
  )
  const { placeOf, whole } = WholeRuns.make(runs)
  const workers = whole.length === runs.length ? [] : yield* Journal.workerRuns(sql, job.id, now.getTime())
  return {
    id: job.id,
    emulated: job.emulated,
    unsettled: job.unsettled_usd,
    pipeline: Predicate.hasProperty(job.shape, "steps") ? String(job.shape.steps) : "",
    claimed: runs.at(-1)?.claimed ?? 0,
    runs: whole.map(runOf),
    placeOf,
    workers: workers.map(({ seen, since, ...worker }) => ({ ...worker, since: dateOf(since), seen: dateOf(seen) })),
    ...sumUp(minutes.map((minute) => ({ ...minute, ...placeOf(minute.run) })))
  }
})

const decodeJobs = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      id: Schema.Int,
      shape: Schema.fromJsonString(Schema.Json),
      emulated: Schema.NullOr(Schema.BooleanFromBit),
      unsettled_usd: Schema.BigDecimalFromString
    })
  )
)

const StoredRun = Schema.Struct({
  run: Schema.Int,
  part_of: Schema.NullOr(Schema.Int),
  claimed: Schema.Int,
  total: Schema.Int,
  done: Schema.Int,
  calls: Schema.Int,
  cost: Schema.BigDecimalFromString,
  unpriced: Schema.Int,
  began: Schema.NullOr(Schema.Finite),
  ended: Schema.NullOr(Schema.Finite),
  outcome: Schema.NullOr(Schema.String),
  detail: Schema.NullOr(Schema.String),
  failed: Schema.NullOr(Schema.Int),
  invalid: Schema.NullOr(Schema.Int),
  settings: Schema.NullOr(Journal.StoredSettings)
})

const decodeRuns = Schema.decodeUnknownEffect(Schema.Array(StoredRun))

const runOf = ({ began, ended, settings, ...run }: typeof StoredRun.Type): Run => ({
  ...Struct.omit(run, ["claimed", "part_of"]),
  began: iso(began),
  ended: iso(ended),
  settings: settings ?? {}
})

const iso = (time: number | null) => (time === null ? null : dateOf(time))

const dateOf = (time: number) => new Date(time).toISOString()

const Minutes = Schema.Array(Schema.Struct({ run: Schema.Int, minute: Schema.Int, detail: Journal.StoredMinute }))

const decodeMinutes = Schema.decodeUnknownEffect(Minutes)

/** Every worker reports the limits that it learns. */
const isSame = (known: typeof Limit.Type, limit: Omit<typeof Limit.Type, "run" | "at" | "group">) =>
  known.requests === limit.requests &&
  known.inputTokens === limit.inputTokens &&
  known.outputTokens === limit.outputTokens

const sumUp = (minutes: typeof Minutes.Type) => {
  const limits: Array<typeof Limit.Type> = []
  const waits = new Map<string, { calls: number; milliseconds: number }>()
  let replays: Saved = { calls: 0, saved: zero, unpriced: 0 }
  for (const { detail, minute, run } of minutes) {
    for (const [group, limit] of Object.entries(detail.limits ?? {})) {
      const last = limits.findLast((known) => known.run === run && known.group === group)
      if (last === undefined || !isSame(last, limit)) limits.push({ run, at: minute * 60_000, group, ...limit })
    }
    for (const [reason, { calls, milliseconds }] of Object.entries(detail.waits ?? {})) {
      const sum = waits.get(reason) ?? { calls: 0, milliseconds: 0 }
      waits.set(reason, { calls: sum.calls + calls, milliseconds: sum.milliseconds + milliseconds })
    }
    if (detail.replays !== undefined) {
      replays = {
        calls: replays.calls + detail.replays.calls,
        saved: BigDecimal.sum(replays.saved, detail.replays.saved),
        unpriced: replays.unpriced + detail.replays.unpriced
      }
    }
  }
  return { limits, replays, waits: Array.from(waits, ([reason, sum]) => ({ for: reason, ...sum })) }
}
