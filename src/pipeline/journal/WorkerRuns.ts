/**
 * What the processes did that worked on a submitted job. A process has a run each time it joins, which is part of the run
 * that submitted the job; here its runs are summed up by the name of the process.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"
import * as LockHolders from "./LockHolders.ts"
import * as RunRecord from "./RunRecord.ts"
import * as Total from "./Total.ts"

/** A process by its name. Times are milliseconds since 1970. */
export interface Worker extends Total.Total {
  readonly worker: string
  /** Rows that ended in it. */
  readonly done: number
  readonly failed: number
  /** How often it has joined. */
  readonly joined: number
  /** When it joined first. */
  readonly since: number
  /** When it was certainly alive; accurate to a minute for one that was killed. */
  readonly seen: number
  /** `working`; how its last run ended, such as `signal`; or `gone` if it was killed, or has lost the database. */
  readonly state: string
}

/** The processes of a submission, or of all of them, those that joined first at the top. */
export const read = (sql: SqlClient, job: number, now: number, submission?: number) =>
  Effect.map(
    Effect.flatMap(
      sql`SELECT r.settings, r.done, r.failed, r.calls, r.cost, r.unpriced, r.outcome,
            CAST(r.began_at AS DOUBLE PRECISION) AS began_at, CAST(r.ended_at AS DOUBLE PRECISION) AS ended_at,
            (SELECT MAX(m.minute) FROM effect_claude_minutes m WHERE m.job = r.job AND m.run = r.run) AS minute,
            CASE WHEN r.ended_at IS NULL AND ${LockHolders.isLiving(sql, job, "r.run")} THEN 1 ELSE 0 END AS living
          FROM effect_claude_runs r
          WHERE r.job = ${job} AND r.part_of IS NOT NULL
            AND ${submission === undefined ? sql`TRUE` : sql`r.part_of = ${submission}`}
          ORDER BY r.run`,
      decodeRuns
    ),
    (runs) => sumUp(runs, now)
  )

const StoredRun = Schema.Struct({
  settings: Schema.NullOr(RunRecord.StoredSettings),
  done: Schema.Int,
  failed: Schema.NullOr(Schema.Int),
  calls: Schema.Int,
  cost: Schema.BigDecimalFromString,
  unpriced: Schema.Int,
  outcome: Schema.NullOr(Schema.String),
  began_at: Schema.Finite,
  ended_at: Schema.NullOr(Schema.Finite),
  minute: Schema.NullOr(Schema.Int),
  living: Schema.BooleanFromBit
})

const decodeRuns = Schema.decodeUnknownEffect(Schema.Array(StoredRun))

const sumUp = (runs: ReadonlyArray<typeof StoredRun.Type>, now: number): ReadonlyArray<Worker> => {
  const workers = new Map<string, Worker>()
  for (const run of runs) {
    const worker = run.settings?.worker ?? "unnamed"
    const earlier = workers.get(worker)
    const since = Math.min(earlier?.since ?? Infinity, run.began_at)
    workers.set(worker, {
      ...Total.sum([...(earlier === undefined ? [] : [earlier]), run]),
      worker,
      done: (earlier?.done ?? 0) + run.done,
      failed: (earlier?.failed ?? 0) + (run.failed ?? 0),
      joined: (earlier?.joined ?? 0) + 1,
      since,
      seen: Math.max(earlier?.seen ?? 0, seenAt(run, now)),
      // Workers may share a name.
      state: earlier?.state === "working" || run.living ? "working" : (run.outcome ?? "gone")
    })
  }
  return [...workers.values()]
}

const minute = 60_000

const seenAt = (run: typeof StoredRun.Type, now: number) =>
  run.living ? now : (run.ended_at ?? Math.max(run.began_at, (run.minute ?? 0) * minute))
