/**
 * What a journal keeps of the calls of a run besides their replies: attempts without a reply, and a summary of each minute.
 * They wait for the next commit, so that they cost no commit of their own; a crash may lose the last ones.
 */
import type * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import * as Usage from "../../claude/Usage.ts"
import * as Bulk from "./Bulk.ts"
import type { JobState } from "./JobState.ts"

/** An attempt that gave no reply. It names no texts, so that it holds no prompt and no secret. */
export interface LostAttempt {
  readonly path: string
  readonly model: string
  /** When it was sent, in milliseconds since 1970, and how long it took, in milliseconds. */
  readonly startedAt: number
  readonly duration: number
  /** The tag of the reason, or `Interrupted`. */
  readonly reason: string
  readonly code: string | undefined
  readonly status: number | undefined
  readonly requestId: string | undefined
  /** What was billed although there is no reply. */
  readonly usage: Usage.Usage | undefined
  readonly cost: BigDecimal.BigDecimal | undefined
}

const Limits = Schema.Struct({
  requests: Schema.optionalKey(Schema.Finite),
  inputTokens: Schema.optionalKey(Schema.Finite),
  outputTokens: Schema.optionalKey(Schema.Finite)
})

/** What happened in a minute of a run, apart from its calls. */
export const Minute = Schema.Struct({
  /** The rate limits per minute that the API reported, by group of models. */
  limits: Schema.optionalKey(Schema.Record(Schema.String, Limits)),
  /** How many calls waited, and for how long in milliseconds together, by what they waited for. */
  waits: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.Struct({ calls: Schema.Int, milliseconds: Schema.Finite }))
  ),
  /** Replies of earlier runs that were used again, their price in US dollars, and how many of them have none. */
  replays: Schema.optionalKey(
    Schema.Struct({ calls: Schema.Int, saved: Schema.BigDecimalFromString, unpriced: Schema.Int })
  )
})
export type Minute = typeof Minute.Type

export interface CallLog {
  /** `row` is the number of the row. */
  readonly attempt: (row: number, attempt: LostAttempt) => void
  /** Adds or replaces a minute, counted from 1970. */
  readonly minute: (minute: number, detail: Minute) => void
  /** Writes what was added since the last commit; undefined if that is nothing. */
  readonly due: () => ((connection: Connection) => Effect.Effect<void, SqlError>) | undefined
}

export const make = (job: JobState): CallLog => {
  const writeAttempts = Bulk.make(
    job.sql,
    11,
    (values) => `INSERT INTO effect_claude_attempts
      (row_id, run, path, model, started_at, duration, reason, code, status, request_id, billed) VALUES ${values}`
  )
  const writeMinutes = Bulk.make(
    job.sql,
    4,
    (values) => `INSERT INTO effect_claude_minutes (job, run, minute, detail) VALUES ${values}
      ON CONFLICT (job, run, minute) DO UPDATE SET detail = excluded.detail`
  )
  let attempts: Array<ReadonlyArray<unknown>> = []
  let minutes = new Map<number, string>()
  return {
    attempt: (row, { code, cost, duration, model, path, reason, requestId, startedAt, status, usage }) => {
      const billed = usage && encodeBilled({ usage, ...(cost && { cost }) })
      const rest = [path, model, startedAt, Math.round(duration), reason]
      attempts.push([row, job.run, ...rest, code ?? null, status ?? null, requestId ?? null, billed ?? null])
    },
    minute: (minute, detail) => void minutes.set(minute, encodeMinute(detail)),
    due: () => {
      if (attempts.length === 0 && minutes.size === 0) return undefined
      const due = { attempts, minutes }
      attempts = []
      minutes = new Map()
      const rows = Array.from(due.minutes, ([minute, detail]) => [job.id, job.run, minute, detail])
      return (connection) =>
        Effect.andThen(writeAttempts(connection, due.attempts), writeMinutes(connection, rows)).pipe(
          // The next commit tries again.
          Effect.tapError(() =>
            Effect.sync(() => {
              attempts = [...due.attempts, ...attempts]
              minutes = new Map([...due.minutes, ...minutes])
            })
          )
        )
    }
  }
}

/** The bill of an attempt without a reply. Without a cost, no price is known. */
export const Billed = Schema.fromJsonString(
  Schema.Struct({ usage: Usage.Usage, cost: Schema.optionalKey(Schema.BigDecimalFromString) })
)

export const StoredMinute = Schema.fromJsonString(Minute)

const encodeBilled = Schema.encodeSync(Billed)
const encodeMinute = Schema.encodeSync(StoredMinute)
