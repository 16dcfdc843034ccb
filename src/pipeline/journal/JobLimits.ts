/**
 * The limits of a job that several processes work on, over all of them: its concurrency and its budget. They are in the
 * settings of the run that claimed the rows, and may change while processes work.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"
import { type Settings, StoredSettings } from "./RunRecord.ts"

/** The limits that can change. */
export interface JobLimits extends Pick<Settings, "concurrency" | "budget"> {}

/** The limits at this moment. `run` claimed the rows. */
export const read = (sql: SqlClient, job: number, run: number) =>
  Effect.map(
    Effect.flatMap(sql`SELECT settings FROM effect_claude_runs WHERE job = ${job} AND run = ${run}`, decode),
    ([{ settings }]): JobLimits => settings ?? {}
  )

/** Changes the given limits. */
export const change = (sql: SqlClient, job: number, run: number, limits: JobLimits) =>
  sql`UPDATE effect_claude_runs SET settings = CAST(
        CAST(COALESCE(settings, '{}') AS JSONB) || CAST(${encode(limits)} AS JSONB) AS TEXT)
      WHERE job = ${job} AND run = ${run}`

const encode = Schema.encodeSync(StoredSettings)

const decode = Schema.decodeUnknownEffect(Schema.Tuple([Schema.Struct({ settings: Schema.NullOr(StoredSettings) })]))
