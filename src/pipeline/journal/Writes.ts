/**
 * The writes of a run, as statements of one transaction: results, replies, bills, and the totals that follow from them.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import type { Scope } from "effect/Scope"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import type { Origin } from "../../claude/Reply.ts"
import type { CallKey, Timing } from "../../claude/ReplyStore.ts"
import type { StoredReply } from "../../claude/StoredReply.ts"
import * as Bulk from "./Bulk.ts"
import * as CallLog from "./CallLog.ts"
import * as Chunks from "./Chunks.ts"
import { placeholder } from "./Dialect.ts"
import * as GroupCommit from "./GroupCommit.ts"
import type { JobState } from "./JobState.ts"
import type { JournalFailed } from "./JournalError.ts"
import { states } from "./Tables.ts"
import * as Total from "./Total.ts"

/** The output of a row as one line of JSON, or its failure. */
export interface Result {
  readonly _tag: "Result"
  /** The number of the row. */
  readonly row: number
  readonly state: typeof states.done | typeof states.failed
  readonly value: string
}

/** Replies to keep. */
export interface Replies {
  readonly _tag: "Replies"
  readonly replies: ReadonlyArray<{
    readonly row: number
    readonly call: CallKey
    readonly reply: StoredReply
    /** The canonical request, for the rows that explain later changes. */
    readonly request: string | null
    /** When the reply was stored, in milliseconds since 1970, and where it came from. */
    readonly log: { readonly storedAt: number; readonly origin: Origin; readonly timing: Timing | undefined }
  }>
  readonly bills: ReadonlyArray<BigDecimal.BigDecimal | undefined>
}

/** The bill of a call whose reply is not kept. */
export interface Bill {
  readonly _tag: "Bill"
  readonly cost: BigDecimal.BigDecimal | undefined
}

/** Any other change. */
export interface Change {
  readonly _tag: "Change"
  readonly effect: Effect.Effect<unknown, SqlError>
}

export type Write = Result | Replies | Bill | Change

/** Returns after the commit. */
export interface Writer {
  readonly write: (write: Write) => Effect.Effect<void, JournalFailed>
  readonly change: (effect: Change["effect"]) => Effect.Effect<void, JournalFailed>
  /** Is written with the next commit. */
  readonly log: Pick<CallLog.CallLog, "attempt" | "minute">
}

/**
 * Processes that work together make the database commit for each of them, which costs it more than the writes do. So each
 * of them waits for this long after a commit: it is little beside the time of a call.
 */
const pause = Effect.sleep("10 millis")

/** Starts the writer of a run, which lives as long as the scope. */
export const writer = (job: JobState): Effect.Effect<Writer, never, Scope> => {
  const log = CallLog.make(job)
  const commitAll = commit(job, log)
  return Effect.map(
    GroupCommit.make(
      (writes: ReadonlyArray<Write>) => job.attempt(commitAll(writes)),
      job.opened.role === "works" ? pause : undefined
    ),
    (write) => ({ write, change: (effect) => write({ _tag: "Change", effect }), log })
  )
}

/** Commits writes together. If that fails, nothing has changed. Of two results of a row, the later counts. */
const commit = (
  job: JobState,
  log: CallLog.CallLog
): ((writes: ReadonlyArray<Write>) => Effect.Effect<void, SqlError>) => {
  const { held, sql } = job
  const mark = placeholder(sql)
  const writeResults = Bulk.make(
    sql,
    3,
    (values) => `INSERT INTO effect_claude_results (row_id, run, value) VALUES ${values}
      ON CONFLICT (row_id) DO UPDATE SET run = excluded.run, value = excluded.value`
  )
  const writeStates = Bulk.make(
    sql,
    3,
    (values) => `UPDATE effect_claude_rows SET state = v.column2, size = v.column3 FROM (VALUES ${values}) AS v
      WHERE effect_claude_rows.id = v.column1`
  )
  const writeReplies = Bulk.make(
    sql,
    15,
    (values) => `INSERT INTO effect_claude_calls
      (row_id, path, hash, occurrence, rejected, request_id, checksum, message, request, run, stored_at, duration,
        first_token, origin, late) VALUES ${values}`
  )
  const writeTotals = `UPDATE effect_claude_runs SET done = ${mark(1)}, size = ${mark(2)}, calls = ${mark(3)},
    cost = ${mark(4)}, unpriced = ${mark(5)} WHERE job = ${mark(6)} AND run = ${mark(7)}`
  const writeFlags = `UPDATE effect_claude_jobs SET has_replies = ${mark(1)}, emulated = ${mark(2)} WHERE id = ${mark(3)}`
  let storedEmulated = job.opened.emulated
  /** Whether a commit has failed that the database may have made all the same, if other connections can still write. */
  let isUncertain = false
  /** The totals as the database has them. */
  const stored = (connection: Connection) =>
    Effect.map(
      connection.executeValues(
        `SELECT done, size, calls, cost, unpriced FROM effect_claude_runs WHERE job = ${mark(1)} AND run = ${mark(2)}`,
        [job.id, job.run]
      ),
      ([row = []]) => ({
        done: Number(row[0]),
        size: Number(row[1]),
        bill: {
          calls: Number(row[2]),
          cost: BigDecimal.fromStringUnsafe(String(row[3])),
          unpriced: Number(row[4])
        }
      })
    )
  /** Whether this process may write the result of a row. One that works alone always may. */
  const holding = (connection: Connection, touched: ReadonlyArray<number>) =>
    job.opened.role === "works" && touched.length > 0
      ? Chunks.heldIn(job, connection, touched)
      : Effect.succeed(() => true)

  return (writes) => {
    const results = new Map<number, ReadonlyArray<unknown>>()
    const rows = new Map<number, readonly [row: number, state: number, size: number]>()
    const replies: Array<readonly [row: number, ...rest: ReadonlyArray<unknown>]> = []
    const changes: Array<Effect.Effect<unknown, SqlError>> = []
    const bills: Array<BigDecimal.BigDecimal | undefined> = []
    for (const write of writes) {
      switch (write._tag) {
        case "Result":
          results.set(write.row, [write.row, job.run, write.value])
          rows.set(write.row, [write.row, write.state, write.state === states.done ? sizeOf(write.value) : 0])
          break
        case "Replies":
          for (const { call, log, reply, request, row } of write.replies) {
            const { hash, occurrence, path } = call
            const { checksum, message, requestId = null } = reply
            const { duration, firstToken } = log.timing ?? {}
            const times = [log.storedAt, rounded(duration), rounded(firstToken), log.origin]
            replies.push([row, path, hash, occurrence, 0, requestId, checksum, message, request, job.run, ...times])
          }
          bills.push(...write.bills)
          break
        case "Bill":
          bills.push(write.cost)
          break
        case "Change":
          changes.push(write.effect)
      }
    }
    const hasReplies = job.hasReplies || replies.length > 0
    const { emulated, id, run } = job
    const isFirst = hasReplies !== job.hasReplies || emulated !== storedEmulated
    const logged = log.due()
    let { bill, done, size } = job
    const apply = () => {
      isUncertain = false
      Object.assign(job, { bill, done, hasReplies, size })
      storedEmulated = emulated
      for (const [row, state] of rows.values()) {
        if (state === states.failed) job.failed.add(row)
        else job.failed.delete(row)
      }
    }
    return Effect.map(
      held
        .commit(
          Effect.fnUntraced(function* (connection) {
            if (isUncertain) ({ bill, done, size } = yield* stored(connection))
            for (const cost of bills) bill = Total.add(bill, cost)
            const isHeld = yield* holding(connection, [...rows.keys(), ...replies.map(([row]) => row)])
            for (const row of rows.keys()) {
              if (isHeld(row)) continue
              rows.delete(row)
              results.delete(row)
            }
            for (const [, state, bytes] of rows.values()) {
              done += state === states.done ? 1 : 0
              size += bytes
            }
            if (replies.length > 0) {
              yield* writeReplies(
                connection,
                replies.map((columns) => [...columns, isHeld(columns[0]) ? 0 : 1])
              )
            }
            if (results.size > 0) {
              yield* writeResults(connection, [...results.values()])
              yield* writeStates(connection, [...rows.values()])
            }
            if (logged !== undefined) yield* logged(connection)
            for (const change of changes) {
              yield* Effect.provideService(change, sql.transactionService, [connection, 0])
            }
            if (rows.size > 0 || bills.length > 0) {
              const { calls, cost, unpriced } = bill
              const totals = [done, size, calls, BigDecimal.format(cost), unpriced]
              yield* connection.executeRaw(writeTotals, [...totals, id, run])
            }
            if (isFirst) {
              const flags = [Number(hasReplies), emulated === null ? null : Number(emulated)]
              yield* connection.executeRaw(writeFlags, [...flags, id])
            }
          })
        )
        .pipe(Effect.tapError(() => Effect.sync(() => void (isUncertain = true)))),
      apply
    )
  }
}

const rounded = (milliseconds: number | undefined) => (milliseconds === undefined ? null : Math.round(milliseconds))

/** The bytes of an output as a line of a file. */
const sizeOf = (output: string) => (isAscii(output) ? output.length : encoder.encode(output).length) + 1

/** Most outputs are, and the test is faster than encoding. */
const isAscii = (text: string) => !/[^\0-\x7f]/.test(text)

const encoder = new TextEncoder()
