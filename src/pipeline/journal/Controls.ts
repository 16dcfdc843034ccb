/**
 * What other processes ask of the run of a job: to pause, to resume, to change its concurrency or its budget. They add a
 * control, in a transaction of one statement, and the run stores what came of it. A job stays paused between runs.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { JobState, Readable } from "./JobState.ts"
import type { JournalFailed } from "./JournalError.ts"
import type { Writer } from "./Writes.ts"

export const Control = Schema.Union([
  Schema.TaggedStruct("pause", {}),
  Schema.TaggedStruct("resume", {}),
  /** Calls in flight at once. */
  Schema.TaggedStruct("concurrency", { calls: Schema.Int }),
  /** The amount of a budget as text, such as `10 USD`. */
  Schema.TaggedStruct("budget", { amount: Schema.String })
])
export type Control = typeof Control.Type

/** What came of a control, and in words. */
export const Outcome = Schema.Struct({ isApplied: Schema.Boolean, detail: Schema.String })
export type Outcome = typeof Outcome.Type

/** A control that no run has applied yet. */
export interface Waiting {
  readonly id: number
  readonly control: Control
}

/** The controls of a run. */
export interface Controls {
  /** When the job was paused, in milliseconds since 1970; null where it was not paused when the run began. */
  readonly pausedAt: number | null
  /** The controls that wait, the oldest first. */
  readonly waiting: Effect.Effect<ReadonlyArray<Waiting>, JournalFailed>
  readonly settle: (waiting: Waiting, outcome: Outcome) => Effect.Effect<void, JournalFailed>
}

export const make = (job: JobState, writer: Writer): Controls => ({
  pausedAt: job.opened.pausedAt,
  waiting: Effect.suspend(() => waiting(job)),
  settle: ({ control, id }, outcome) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const { sql } = job
      const store = sql`UPDATE effect_claude_controls SET outcome = ${encodeOutcome(outcome)} WHERE id = ${id}`
      if (control._tag !== "pause" && control._tag !== "resume") return writer.change(store)
      const pausedAt = control._tag === "pause" ? now : null
      return writer.change(
        Effect.andThen(store, sql`UPDATE effect_claude_jobs SET paused_at = ${pausedAt} WHERE id = ${job.id}`)
      )
    })
})

/** The controls of a job that wait for a run, the oldest first. */
export const waiting = ({ attempt, id, sql }: Pick<Readable, "attempt" | "id" | "sql">) =>
  attempt(
    Effect.flatMap(
      sql`SELECT CAST(id AS DOUBLE PRECISION) AS id, control FROM effect_claude_controls
          WHERE job = ${id} AND outcome IS NULL ORDER BY id`,
      decodeWaiting
    )
  )

/** Adds a control, and gives its number. */
export const send = ({ attempt, id, sql }: Readable, control: Control) =>
  attempt(
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      Effect.map(
        Effect.flatMap(
          sql`INSERT INTO effect_claude_controls ${sql.insert({ job: id, created_at: now, control: encode(control) })}
              RETURNING CAST(id AS DOUBLE PRECISION) AS id`,
          decodeSent
        ),
        ([sent]) => sent.id
      )
    )
  )

/** Withdraws a control that no run has applied yet. */
export const withdraw = ({ attempt, sql }: Readable, control: number) =>
  attempt(sql`DELETE FROM effect_claude_controls WHERE id = ${control} AND outcome IS NULL`)

/** What came of a control; undefined while no run has applied it. */
export const outcomeOf = ({ attempt, sql }: Readable, control: number) =>
  attempt(
    Effect.map(
      Effect.flatMap(sql`SELECT outcome FROM effect_claude_controls WHERE id = ${control}`, decodeOutcomes),
      ([found]) => found?.outcome ?? undefined
    )
  )

const encode = Schema.encodeSync(Schema.fromJsonString(Control))
const encodeOutcome = Schema.encodeSync(Schema.fromJsonString(Outcome))
const decodeWaiting = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ id: Schema.Int, control: Schema.fromJsonString(Control) }))
)
const decodeSent = Schema.decodeUnknownEffect(Schema.Tuple([Schema.Struct({ id: Schema.Int })]))
const decodeOutcomes = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ outcome: Schema.NullOr(Schema.fromJsonString(Outcome)) }))
)
