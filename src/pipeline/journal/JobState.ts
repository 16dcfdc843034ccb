/**
 * A job while a run has it open: its number in the database, and the totals that its writes keep up to date.
 */
import type { SqlClient } from "effect/sql/SqlClient"
import type { Held } from "./JobLock.ts"
import * as Total from "./Total.ts"

export interface JobState {
  readonly sql: SqlClient
  readonly held: Held
  /** The number of the run, from 1. */
  readonly run: number
  /** The run whose claimed rows counted before this one; 0 if there was none. */
  readonly previous: number
  /** Rows that were finished up to this run are not sampled. */
  kept: number
  /** The number of the job, which it has once a run has begun. */
  id: number
  /** The run whose claimed rows count. */
  claimed: number
  /** The number of the claimed rows; of these, the number of finished ones, and the bytes of their outputs as lines. */
  total: number
  done: number
  size: number
  /** Claimed rows that failed in this run. */
  readonly failed: Set<number>
  /** Whether an emulator answers, and not Claude; null before the first answer. It is stored with the next result. */
  emulated: boolean | null
  /** Whether the state has a reply. */
  hasReplies: boolean
  /** What this run was billed. */
  bill: Total.Total
}

export const make = (
  opened: Pick<JobState, "sql" | "held" | "run" | "previous" | "kept" | "emulated" | "hasReplies">
): JobState => ({
  ...opened,
  id: 0,
  claimed: opened.run,
  total: 0,
  done: 0,
  size: 0,
  failed: new Set(),
  bill: Total.zero
})
