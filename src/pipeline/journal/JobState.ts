/**
 * A job while a run has it open: what an earlier run stored, and the totals that the writes of this run keep up to date.
 */
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Attempt from "./Attempt.ts"
import type { Held } from "./JobLock.ts"
import type { JournalFailed } from "./JournalError.ts"
import type { Settings } from "./RunRecord.ts"
import type { Source } from "./Source.ts"
import type { Command } from "./StoredCommand.ts"
import * as Total from "./Total.ts"

/** The claimed rows of a run, in numbers. */
export interface Claimed {
  /** The run that claimed them. */
  readonly claimed: number
  readonly total: number
  /** Finished rows, and the bytes of their outputs as lines of a file. */
  readonly done: number
  readonly size: number
}

/**
 * How a run uses the job: `alone`, it works on the rows that it claims; `submits`, it claims them for other processes;
 * `works`, it works on rows that another run has claimed; `sends`, it sends the batches of processes that work.
 */
export type Role = "alone" | "submits" | "works" | "sends"

/** The job that a run of several joins. */
export interface Joined {
  /** The number of the job. */
  readonly id: number
  /** The run that claims rows for others. */
  readonly partOf: number
  /** Identifies that run, also among databases. */
  readonly submission: string
  readonly settings: Settings
  /** As the run that claims rows has stored it. */
  readonly firstRequest: string | undefined
  /** Whether another process waits until no process works on the job. */
  readonly isWanted: Effect.Effect<boolean, SqlError | JournalFailed>
  /** The server that has the lock; see `JobLock.serverStart`. */
  readonly server: string
}

/** What is known before the run begins. */
export interface Opened {
  readonly role: Role
  /** Where the run `works`. */
  readonly joined: Joined | undefined
  readonly sql: SqlClient
  readonly held: Held
  /** The name of the job. */
  readonly job: string
  readonly shape: Schema.Json
  /** How this run was started. */
  readonly settings: Settings
  /** The command line that begins this run, if one does. */
  readonly command: Command | undefined
  /** The file, or the name of the database. */
  readonly state: string
  /** How the shape differs from that of the finished rows, in words. */
  readonly differences: ReadonlyArray<string>
  /** The number of the run, from 1. */
  readonly run: number
  /** The rows that the earlier run claimed. */
  readonly before: Claimed
  /** The source of those rows, if that run stored it. */
  readonly source: Source | null
  /** Rows that were finished up to this run are not sampled. */
  readonly kept: number
  /** Whether an emulator answers, and not Claude; null before the first answer. It is stored with the next answer. */
  readonly emulated: boolean | null
  /** Whether the state has a reply. */
  readonly hasReplies: boolean
  /** When the job was paused, in milliseconds since 1970; null where it is not. */
  readonly pausedAt: number | null
}

/** The run in progress. */
export interface JobState extends Pick<Opened, "sql" | "held" | "run"> {
  readonly opened: Opened
  /** The run that claimed rows for others, where this run works on them; 0 where it does not. */
  readonly partOf: number
  readonly attempt: Attempt.Attempt
  /** The number of the job, which it has once the run has begun. */
  id: number
  claimed: number
  total: number
  done: number
  size: number
  source: Source | null
  kept: number
  emulated: boolean | null
  hasReplies: boolean
  /** The numbers of the claimed rows that failed in this run. */
  readonly failed: Set<number>
  /** What this run was billed. */
  bill: Total.Total
}

/** What is needed to read the rows of a job. */
export type Readable = Pick<JobState, "sql" | "attempt" | "id" | "claimed">

export const make = (opened: Opened): JobState => {
  const { before, emulated, hasReplies, held, joined, kept, run, sql } = opened
  const claimed = joined === undefined ? run : before.claimed
  const claims = { claimed, total: 0, done: 0, size: 0, source: null }
  const attemptAny = Attempt.on(opened.state)
  const attempt: Attempt.Attempt =
    opened.role === "works" ? (statements) => attemptAny(Attempt.inTime(statements)) : attemptAny
  const totals = { kept, emulated, hasReplies, failed: new Set<number>(), bill: Total.zero }
  return { opened, partOf: joined?.partOf ?? 0, attempt, sql, held, run, id: joined?.id ?? 0, ...claims, ...totals }
}
