/**
 * What a journal has about a row, for a report: its calls with their bills, its attempts without a reply, and its failure.
 * The rows are read page by page, in the order in which the journal got them.
 */
import type * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as Cost from "../../claude/Cost.ts"
import { isMessage, type Message, type Origin } from "../../claude/Reply.ts"
import type * as Usage from "../../claude/Usage.ts"
import { isInternal } from "../Durable.ts"
import { Billed } from "../Journal.ts"
import type * as WholeRuns from "./WholeRuns.ts"

/** A call with a reply. Calls of states before version 7 have no times. */
export interface Call {
  readonly _tag: "Call"
  readonly path: string
  readonly model: string
  readonly run: number | null
  readonly worker?: string
  readonly origin: Origin
  /** When the reply was stored, in milliseconds since 1970. */
  readonly at: number | null
  readonly duration: number | null
  readonly firstToken: number | null
  readonly requestId: string | null
  /** Whether the program could not use the reply. */
  readonly isRejected: boolean
  readonly bill: Cost.Bill
  readonly message: Message
  /** The request as JSON, which a journal keeps for some rows. */
  readonly request: string | null
}

/** An attempt without a reply. */
export interface Attempt {
  readonly _tag: "Attempt"
  readonly path: string
  readonly model: string
  readonly run: number
  readonly worker?: string
  readonly at: number
  readonly duration: number
  readonly reason: string
  readonly code: string | null
  readonly status: number | null
  readonly requestId: string | null
  readonly usage: Usage.Usage | undefined
  readonly cost: BigDecimal.BigDecimal | undefined
}

export interface RowLog {
  readonly key: string
  /** The run that claimed the row last. */
  readonly run: number
  readonly state: number
  /** The failure as JSON, or the output of a finished row, where it may have a score or texts are read. */
  readonly value: string | null
  /** In the order in which they were stored. */
  readonly calls: ReadonlyArray<Call>
  readonly attempts: ReadonlyArray<Attempt>
}

/** Rows of one statement. Their replies are in memory together. */
const pageSize = 128

/** How rows are read. `now` is the day whose prices old calls get. */
export interface Options {
  readonly now: Date
  readonly texts: boolean
  readonly placeOf: ReturnType<typeof WholeRuns.make>["placeOf"]
}

/** The rows of a job, those included that the input no longer has. */
export const read = (sql: SqlClient, job: number, { now, placeOf, texts }: Options) => {
  const value = sql.literal(texts ? "v.value" : `CASE WHEN r.state = 2 OR v.value LIKE '%"score":%' THEN v.value END`)
  const request = sql.literal(texts ? "request" : "NULL")
  const page = Effect.fnUntraced(function* (after: number) {
    // The sum keeps the database from an index of the job: it would read and sort all rows of the job for each page.
    const rows = yield* Effect.flatMap(
      sql`SELECT CAST(r.id AS DOUBLE PRECISION) AS id, name, key, r.run, state, ${value} AS value
          FROM effect_claude_rows r LEFT JOIN effect_claude_results v ON v.row_id = r.id
          WHERE r.id > ${after} AND job + 0 = ${job} ORDER BY r.id LIMIT ${pageSize}`,
      decodeRows
    )
    const last = rows.at(-1)?.id
    if (last === undefined) return [[], Option.none<number>()] as const
    const ofPage = sql`row_id > ${after} AND row_id <= ${last}
      AND EXISTS (SELECT 1 FROM effect_claude_rows r WHERE r.id = row_id AND r.job = ${job})`
    const calls = yield* Effect.flatMap(
      sql`SELECT CAST(row_id AS DOUBLE PRECISION) AS row_id, path, rejected, request_id, message, run,
            CAST(stored_at AS DOUBLE PRECISION) AS stored_at, duration, first_token, origin, ${request} AS request
          FROM effect_claude_calls WHERE ${ofPage} ORDER BY row_id, id`,
      decodeCalls
    )
    const attempts = yield* Effect.flatMap(
      sql`SELECT CAST(row_id AS DOUBLE PRECISION) AS row_id, path, model, run,
            CAST(started_at AS DOUBLE PRECISION) AS started_at, duration, reason, code, status, request_id, billed
          FROM effect_claude_attempts WHERE ${ofPage} ORDER BY row_id, id`,
      decodeAttempts
    )
    const callsOf = Map.groupBy(calls, ({ row_id: row }) => row)
    const attemptsOf = Map.groupBy(attempts, ({ row_id: row }) => row)
    const logs = rows.map(({ id, key, name, run, state, value }): RowLog => ({
      key: key ?? name,
      run,
      state,
      value,
      calls: (callsOf.get(id) ?? []).flatMap((stored) => {
        const call = callOf(stored, now)
        return call === undefined ? [] : { ...call, ...placeOf(call.run) }
      }),
      attempts: (attemptsOf.get(id) ?? []).map((stored) => ({ ...attemptOf(stored), ...placeOf(stored.run) }))
    }))
    return [logs, rows.length < pageSize ? Option.none<number>() : Option.some(last)] as const
  })
  return Stream.paginate(-1, page)
}

const decodeRows = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      id: Schema.Int,
      name: Schema.String,
      key: Schema.NullOr(Schema.String),
      run: Schema.Int,
      state: Schema.Int,
      value: Schema.NullOr(Schema.String)
    })
  )
)

const StoredCall = Schema.Struct({
  row_id: Schema.Int,
  path: Schema.String,
  rejected: Schema.Int,
  request_id: Schema.NullOr(Schema.String),
  message: Schema.String,
  run: Schema.NullOr(Schema.Int),
  stored_at: Schema.NullOr(Schema.Finite),
  duration: Schema.NullOr(Schema.Int),
  first_token: Schema.NullOr(Schema.Int),
  origin: Schema.NullOr(Schema.Literals(["api", "batch", "cache", "journal"])),
  request: Schema.NullOr(Schema.String)
})

const decodeCalls = Schema.decodeUnknownEffect(Schema.Array(StoredCall))

const decodeMessage = Schema.decodeOption(Schema.fromJsonString(Schema.declare(isMessage)))

/** Counts of tokens are stored as replies too, and are no calls of a report. */
const callOf = (stored: typeof StoredCall.Type, now: Date): Call | undefined => {
  const message = Option.getOrUndefined(decodeMessage(stored.message))
  if (message === undefined || isInternal({ message })) return undefined
  const { stored_at: at } = stored
  const bill = Cost.bill(message, at === null ? now : new Date(at))
  const { duration, first_token: firstToken, path, request, request_id: requestId, run } = stored
  const origin = stored.origin ?? (bill.usage.serviceTier === "batch" ? "batch" : "api")
  const times = { at, duration, firstToken }
  const { model } = message
  const isRejected = stored.rejected === 1
  return { _tag: "Call", path, model, run, origin, ...times, requestId, isRejected, bill, message, request }
}

const StoredAttempt = Schema.Struct({
  row_id: Schema.Int,
  path: Schema.String,
  model: Schema.String,
  run: Schema.Int,
  started_at: Schema.Finite,
  duration: Schema.Int,
  reason: Schema.String,
  code: Schema.NullOr(Schema.String),
  status: Schema.NullOr(Schema.Int),
  request_id: Schema.NullOr(Schema.String),
  billed: Schema.NullOr(Billed)
})

const decodeAttempts = Schema.decodeUnknownEffect(Schema.Array(StoredAttempt))

const attemptOf = (stored: typeof StoredAttempt.Type): Attempt => {
  const { billed, code, duration, model, path, reason, request_id: requestId, run, started_at: at, status } = stored
  const bill = { usage: billed?.usage, cost: billed?.cost }
  return { _tag: "Attempt", path, model, run, at, duration, reason, code, status, requestId, ...bill }
}
