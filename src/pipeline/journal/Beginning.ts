/**
 * The beginning of a run: it claims its rows, or takes over the claims of the earlier run, and decides about earlier
 * results. All of it is one transaction.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { failed } from "./Attempt.ts"
import * as Chunks from "./Chunks.ts"
import type { JobState } from "./JobState.ts"
import type { JournalFailed } from "./JournalError.ts"
import * as Kind from "./Kind.ts"
import * as RunRecord from "./RunRecord.ts"
import * as Sending from "./Sending.ts"
import * as Source from "./Source.ts"
import * as StoredCommand from "./StoredCommand.ts"

/** Begins the run with an effect that claims its rows. If it fails, the state stays as it was. */
export const begin = <A, E, R>(job: JobState, claims: Effect.Effect<A, E, R>): Effect.Effect<A, E | JournalFailed, R> =>
  Effect.withTracerEnabled(insert(job), false).pipe(
    // An error of the claims is passed on as it is, even an SqlError.
    Effect.andThen(Effect.mapError(claims, (error) => () => error)),
    Effect.tap(() => Effect.withTracerEnabled(storeClaims(job), false)),
    job.held.transaction,
    Effect.mapError((error) => (typeof error === "function" ? error() : failed(error, job.opened.state)))
  )

const insert = Effect.fnUntraced(function* (job: JobState) {
  const { opened, run, sql } = job
  const kind = yield* Kind.encode({ shape: opened.shape, emulated: job.emulated })
  const command = StoredCommand.encode(opened.command)
  const [{ id }] = yield* Effect.flatMap(
    sql`INSERT INTO effect_claude_jobs ${sql.insert({ name: opened.job, run, command, ...kind })}
        ON CONFLICT (name) DO UPDATE SET run = excluded.run, shape = excluded.shape, emulated = excluded.emulated,
          command = COALESCE(excluded.command, effect_claude_jobs.command)
        RETURNING id`,
    decodeJobs
  )
  job.id = id
  const record = yield* RunRecord.beginning(opened.settings)
  const shared = opened.role === "submits" ? 1 : null
  yield* sql`INSERT INTO effect_claude_runs ${sql.insert({ job: id, run, claimed: run, shared, cost: "0", ...record })}`
})

const storeClaims = (job: JobState) =>
  Effect.suspend(() => {
    const { claimed, done, id, opened, run, size, source, sql, total } = job
    return Effect.all(
      [
        sql`UPDATE effect_claude_runs SET claimed = ${claimed}, total = ${total}, done = ${done}, size = ${size},
            done_before = ${done} WHERE job = ${id} AND run = ${run}`,
        sql`UPDATE effect_claude_jobs SET source = ${Source.encode(source)} WHERE id = ${id}`,
        opened.role === "submits" ? Chunks.open(job) : Effect.void,
        Sending.clear(job)
      ],
      { discard: true }
    )
  })

/** Claims the rows that the earlier run claimed. Their source stays. */
export const reclaim = (job: JobState) =>
  Effect.sync(() => void Object.assign(job, job.opened.before, { source: job.opened.source }))

/** Stores the first request of a job, by which other processes compare their programs. The run must have begun. */
export const setFirstRequest = ({ id, run, sql }: JobState, request: string) =>
  sql`UPDATE effect_claude_runs SET first_request = ${request} WHERE job = ${id} AND run = ${run}`

/** Accepts the rows that earlier runs finished. */
export const keep = (job: JobState) => {
  job.kept = job.run - 1
  return job.sql`UPDATE effect_claude_jobs SET kept = ${job.kept} WHERE id = ${job.id}`
}

/** Makes every row pending. The results stay until new ones replace them. */
export const rerun = (job: JobState) => {
  Object.assign(job, { done: 0, size: 0 })
  return job.sql`UPDATE effect_claude_rows SET state = 0, size = 0 WHERE job = ${job.id} AND state <> 0`
}

/** Forgets the source of the claimed rows, so that the next run claims its rows one by one. */
export const forgetSource = ({ id, sql }: JobState) => sql`UPDATE effect_claude_jobs SET source = NULL WHERE id = ${id}`

const decodeJobs = Schema.decodeUnknownEffect(Schema.Tuple([Schema.Struct({ id: Schema.Int })]))
