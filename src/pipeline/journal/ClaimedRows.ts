/**
 * Reads the claimed rows of a run in the order of the input, page by page. The tables allow no other types of columns than
 * those that are read here, so they are not decoded by schemas, which would take longer than the database.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Fragment } from "effect/sql/Statement"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as Calls from "./Calls.ts"
import type { Row } from "./Claiming.ts"
import type { JobState, Readable } from "./JobState.ts"
import type { JournalFailed } from "./JournalError.ts"
import { isSqlite } from "./Dialect.ts"
import * as RowId from "./RowId.ts"
import type { RowNumbers } from "./RowNumbers.ts"
import { states } from "./Tables.ts"

/** A row that is to run. */
export interface PendingRow extends Row {
  /** Whether an earlier run failed on it. */
  readonly hasFailed: boolean
  /** The reason of that failure; see `RowFailure.Stored`. */
  readonly failedWith?: string
  readonly replies: ReadonlyArray<Calls.StoredCall>
}

/** A row that failed. */
export interface FailedRow extends Row {
  readonly error: string
}

/**
 * Which rows to run. `all`: every row that is not done; `untried`: the ones of them that no run has tried; `failed`: the
 * rows whose last try failed in an earlier run, with `reason` only for this one.
 */
export type Which = "all" | "untried" | "failed" | { readonly reason: string }

/** The reason of failed rows: that of a Claude error, or the tag of another one. */
export interface Reason {
  readonly reason: string
  readonly rows: number
}

/** Rows of one statement. */
const pageSize = 256

/** The columns of a row in the order of the statement, of which the first is the ordinal. */
type Columns = ReadonlyArray<unknown>

/** SQLite uses an index for part of a table only where a statement repeats the condition of the index. */
const isFailed = "r.state = 2"

/** The reason in a stored failure `v`; see `RowFailure.Stored`. */
const reasonOf = (sql: SqlClient) => sql.literal(isSqlite(sql) ? "v.value ->> 'error'" : "v.value::json ->> 'error'")

const conditionOf = ({ run, sql }: JobState, which: Which): string | Fragment => {
  if (which === "all") return "r.state <> 1"
  if (which === "untried") return "r.state <> 1 AND r.state = 0"
  const reason = which === "failed" ? sql`` : sql`AND ${reasonOf(sql)} = ${which.reason}`
  return sql`${sql.literal(isFailed)} AND EXISTS (
    SELECT 1 FROM effect_claude_results v WHERE v.row_id = r.id AND v.run < ${run} ${reason})`
}

/** The stored failure of a row, or null where the row has not failed. */
export const failure = `CASE WHEN ${isFailed} THEN (SELECT v.value FROM effect_claude_results v WHERE v.row_id = r.id) END`

/** Rows that are to run, with their replies. */
export const pending = (job: JobState, numbers: RowNumbers, which: Which) => {
  const condition = conditionOf(job, which)
  return pages(job, `r.name, r.key, r.id, r.state, ${failure}`, "", condition, (page) =>
    Effect.map(job.hasReplies && page.length > 0 ? repliesOf(job, page) : Effect.undefined, (replies) =>
      page.map((columns): PendingRow => {
        const { key, ordinal } = rowOf(columns)
        const number = Number(columns[3])
        numbers.remember(key, { number, ordinal, isOpen: true })
        return { key, ordinal, ...failureIn(columns[4], columns[5]), replies: replies?.get(number) ?? [] }
      })
    )
  )
}

/** What a pending row has of its last failure. */
export const failureIn = (state: unknown, failure: unknown) => ({
  hasFailed: state === states.failed,
  ...(failure !== null &&
    Option.match(decodeFailure(failure), { onNone: () => ({}), onSome: ({ error }) => ({ failedWith: error }) }))
})

const decodeFailure = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ error: Schema.String })))

/** The replies of the rows between the first and the last of a page. */
const repliesOf = (job: JobState, page: ReadonlyArray<Columns>) => {
  const { claimed, id, sql } = job
  return Calls.ofRows(
    job,
    sql`SELECT id FROM effect_claude_rows WHERE job = ${id} AND run = ${claimed} AND state <> 1
        AND ordinal >= ${page[0]?.[0]} AND ordinal <= ${page.at(-1)?.[0]}`
  )
}

/** The outputs of the finished rows. */
export const outputs = (job: Readable) =>
  pages(job, "v.value", "JOIN effect_claude_results v ON v.row_id = r.id", "r.state = 1", (page) =>
    Effect.succeed(page.map((columns) => String(columns[1])))
  )

/** The rows that failed in this run. Without any, it reads nothing: of a stopped run, all other open rows are pending. */
export const failures = (job: JobState): Stream.Stream<FailedRow, JournalFailed> =>
  job.failed.size === 0 ? Stream.empty : failed(job, `${isFailed} AND v.run = ${job.run}`)

/** The rows that failed when they ran last, in any run. */
export const failed = (job: Readable, condition = isFailed): Stream.Stream<FailedRow, JournalFailed> =>
  pages(job, "r.name, r.key, v.value", "JOIN effect_claude_results v ON v.row_id = r.id", condition, (page) =>
    Effect.succeed(page.map(failureOf))
  )

/** How many rows failed when they ran last, in an earlier run. */
export const failedBefore = ({ attempt, claimed, failed, id, sql }: JobState) =>
  attempt(
    Effect.map(
      sql`SELECT CAST(COUNT(*) AS INTEGER) FROM effect_claude_rows r
          WHERE r.job = ${id} AND r.run = ${claimed} AND ${sql.literal(isFailed)}`.values,
      (rows) => Number(rows[0]?.[0] ?? 0) - failed.size
    )
  )

/** The reasons of the failed rows, the most frequent first. */
export const reasons = ({ attempt, claimed, id, sql }: Readable) =>
  attempt(
    Effect.flatMap(
      sql`SELECT ${reasonOf(sql)} AS reason, CAST(COUNT(*) AS INTEGER) AS "rows" FROM effect_claude_rows r
          JOIN effect_claude_results v ON v.row_id = r.id
          WHERE r.job = ${id} AND r.run = ${claimed} AND ${sql.literal(isFailed)}
          GROUP BY 1 ORDER BY 2 DESC, 1`,
      decodeReasons
    )
  )

const decodeReasons = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ reason: Schema.String, rows: Schema.Int }))
)

/** The last failed rows of the input, the last one first. Rows run in about this order. */
export const lastFailed = ({ attempt, claimed, id, sql }: Readable, count: number) =>
  attempt(
    Effect.map(
      sql`SELECT r.ordinal, r.name, r.key, v.value FROM effect_claude_rows r
          JOIN effect_claude_results v ON v.row_id = r.id
          WHERE r.job = ${id} AND r.run = ${claimed} AND ${sql.literal(isFailed)}
          ORDER BY r.ordinal DESC LIMIT ${count}`.values,
      (rows) => rows.map(failureOf)
    )
  )

const failureOf = (columns: Columns): FailedRow => ({ ...rowOf(columns), error: String(columns[3]) })

const rowOf = ([ordinal, name, key]: Columns): Row => ({
  key: RowId.keyOf({ id: String(name), key: key === null ? null : String(key) }),
  ordinal: Number(ordinal)
})

/** Claimed rows `r` of which `condition` holds, in input order. Each page is a chunk of the stream. */
const pages = <A>(
  job: Readable,
  columns: string,
  join: string,
  condition: string | Fragment,
  read: (page: ReadonlyArray<Columns>) => Effect.Effect<ReadonlyArray<A>, SqlError | Schema.SchemaError>
): Stream.Stream<A, JournalFailed> => {
  const { sql } = job
  const parts = [columns, join, condition].map((part) => (typeof part === "string" ? sql.literal(part) : part))
  const page = (after: number) =>
    Effect.flatMap(
      sql`SELECT r.ordinal, ${parts[0]} FROM effect_claude_rows r ${parts[1]}
          WHERE r.job = ${job.id} AND r.run = ${job.claimed} AND r.ordinal > ${after} AND ${parts[2]}
          ORDER BY r.ordinal LIMIT ${pageSize}`.values,
      (rows) => {
        const last = rows.length < pageSize ? undefined : rows.at(-1)
        return Effect.map(
          read(rows),
          (page) => [page, Option.map(Option.fromUndefinedOr(last), ([ordinal]) => Number(ordinal))] as const
        )
      }
    )
  return Stream.paginate(-1, (after) => job.attempt(page(after)))
}
