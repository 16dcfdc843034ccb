/**
 * The record of a run: when it began and ended, how, and with which settings. A run that was killed has no end.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { JobState } from "./JobState.ts"

/** How a run was started, for reports. Every field is optional, because a program may start a run too. */
export const Settings = Schema.Struct({
  mode: Schema.optionalKey(Schema.Literals(["direct", "batches"])),
  /** Calls or rows at once, where they were chosen. */
  concurrency: Schema.optionalKey(Schema.Int),
  /** The machine or worker. */
  worker: Schema.optionalKey(Schema.String),
  /** The file of the rows, if it is a single one. */
  input: Schema.optionalKey(Schema.String),
  /** The file of the results. */
  output: Schema.optionalKey(Schema.String),
  /** The budget of the job, as the user wrote it. */
  budget: Schema.optionalKey(Schema.String),
  /** The queue on a Redis server, of a job on many machines. Without it, the database has the queue. */
  queue: Schema.optionalKey(Schema.Struct({ kind: Schema.Literal("bullmq"), name: Schema.String })),
  /** Limits per minute of the user's own. */
  limits: Schema.optionalKey(
    Schema.Struct({
      requests: Schema.optionalKey(Schema.Finite),
      inputTokens: Schema.optionalKey(Schema.Finite),
      outputTokens: Schema.optionalKey(Schema.Finite)
    })
  )
})
export type Settings = typeof Settings.Type

/** How a run ended. */
export interface Ending {
  /** `done`, why it stopped before (`limit`, `selection`, `failures`, `signal`, `input`, `interrupted`), or the tag of an error. */
  readonly outcome: string
  /** The message of the error, without secrets. */
  readonly detail: string | undefined
  /** Rows of the input that cannot be run. */
  readonly invalid: number
}

/** The columns of a run that begins. */
export const beginning = (settings: Settings) =>
  Effect.map(Clock.currentTimeMillis, (now) => ({ began_at: now, settings: encodeSettings(settings) }))

export const StoredSettings = Schema.fromJsonString(Settings)

const encodeSettings = Schema.encodeSync(StoredSettings)

/** Stores the end. The totals of the rows are stored already. */
export const end = ({ failed, id, run, sql }: JobState, { detail, invalid, outcome }: Ending) =>
  Effect.flatMap(
    Clock.currentTimeMillis,
    (now) => sql`UPDATE effect_claude_runs SET ended_at = ${now}, outcome = ${outcome}, detail = ${detail ?? null},
      failed = ${failed.size}, invalid = ${invalid} WHERE job = ${id} AND run = ${run}`
  )
