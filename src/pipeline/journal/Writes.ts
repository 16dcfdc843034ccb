/**
 * The writes of a run, as statements of one transaction: results, replies, bills, and the totals that follow from them.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { CallKey } from "../../claude/ReplyStore.ts"
import type { StoredReply } from "../../claude/StoredReply.ts"
import * as Bulk from "./Bulk.ts"
import { placeholder } from "./Dialect.ts"
import type { JobState } from "./JobState.ts"
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

/** Commits writes together. If that fails, nothing has changed. Of two writes to one place, the later counts. */
export const commit = (job: JobState): ((writes: ReadonlyArray<Write>) => Effect.Effect<void, SqlError>) => {
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
    9,
    (values) => `INSERT INTO effect_claude_calls
        (row_id, path, hash, occurrence, rejected, request_id, checksum, message, request) VALUES ${values}
      ON CONFLICT (row_id, path, hash, occurrence) DO UPDATE SET rejected = excluded.rejected,
        request_id = excluded.request_id, checksum = excluded.checksum, message = excluded.message,
        request = excluded.request`
  )
  const writeTotals = `UPDATE effect_claude_jobs
    SET done = ${mark(1)}, size = ${mark(2)}, has_replies = ${mark(3)}, emulated = ${mark(4)} WHERE id = ${mark(5)}`
  const writeBill = `UPDATE effect_claude_runs
    SET calls = ${mark(1)}, cost = ${mark(2)}, unpriced = ${mark(3)} WHERE job = ${mark(4)} AND run = ${mark(5)}`

  return (writes) => {
    const results = new Map<number, ReadonlyArray<unknown>>()
    const rows = new Map<number, readonly [row: number, state: number, size: number]>()
    const replies = new Map<string, ReadonlyArray<unknown>>()
    const changes: Array<Effect.Effect<unknown, SqlError>> = []
    let { bill } = job
    for (const write of writes) {
      switch (write._tag) {
        case "Result":
          results.set(write.row, [write.row, job.run, write.value])
          rows.set(write.row, [write.row, write.state, write.state === states.done ? sizeOf(write.value) : 0])
          break
        case "Replies":
          for (const { call, reply, request, row } of write.replies) {
            const { hash, occurrence, path } = call
            const { checksum, message, requestId = null } = reply
            const values = [row, path, hash, occurrence, 0, requestId, checksum, message, request]
            replies.set(`${row} ${occurrence} ${hash} ${path}`, values)
          }
          for (const cost of write.bills) bill = Total.add(bill, cost)
          break
        case "Bill":
          bill = Total.add(bill, write.cost)
          break
        case "Change":
          changes.push(write.effect)
      }
    }
    let { done, hasReplies, size } = job
    for (const [, state, bytes] of rows.values()) {
      done += state === states.done ? 1 : 0
      size += bytes
    }
    hasReplies ||= replies.size > 0
    const apply = () => {
      Object.assign(job, { bill, done, hasReplies, size })
      for (const [row, state] of rows.values()) {
        if (state === states.failed) job.failed.add(row)
        else job.failed.delete(row)
      }
    }
    const totalsChange = rows.size > 0 || hasReplies !== job.hasReplies
    return Effect.map(
      held.commit(
        Effect.fnUntraced(function* (connection) {
          if (replies.size > 0) yield* writeReplies(connection, [...replies.values()])
          if (results.size > 0) {
            yield* writeResults(connection, [...results.values()])
            yield* writeStates(connection, [...rows.values()])
          }
          for (const change of changes) {
            yield* Effect.provideService(change, sql.transactionService, [connection, 0])
          }
          if (totalsChange) {
            const flags = [hasReplies ? 1 : 0, job.emulated === null ? null : job.emulated ? 1 : 0]
            yield* connection.executeRaw(writeTotals, [done, size, ...flags, job.id])
          }
          if (bill !== job.bill) {
            const cost = BigDecimal.format(bill.cost)
            yield* connection.executeRaw(writeBill, [bill.calls, cost, bill.unpriced, job.id, job.run])
          }
        })
      ),
      apply
    )
  }
}

const encoder = new TextEncoder()

/** The bytes of an output as a line of a file. */
const sizeOf = (output: string) => encoder.encode(output).length + 1
