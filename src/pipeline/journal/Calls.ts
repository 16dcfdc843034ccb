/**
 * The stored replies of rows. Of several replies to one call, the latest counts. A late reply, which came when another
 * process had the row, counts only where there is no other, and then the first one does: that process may have used it.
 */
import * as Effect from "effect/Effect"
import * as Iterable from "effect/Iterable"
import * as Schema from "effect/Schema"
import type { Fragment } from "effect/sql/Statement"
import type * as ReplyStore from "../../claude/ReplyStore.ts"
import type { StoredReply } from "../../claude/StoredReply.ts"
import type { JobState } from "./JobState.ts"

/** A stored reply of a row, and the call that it answers. */
export interface StoredCall extends Omit<ReplyStore.CallKey, "row"> {
  /** Whether the program could not use the reply. A row that failed asks again in its place. */
  readonly isRejected: boolean
  /** The request as `RequestText` writes it, which is kept for some rows. */
  readonly request: string | undefined
  readonly reply: StoredReply
  /** How long the API took for it directly, in milliseconds, where that is known. */
  readonly duration: number | undefined
}

/** The reply that counts is the last one in this order. */
const order = "late DESC, CASE late WHEN 1 THEN -id ELSE id END"

const columns =
  "CAST(row_id AS DOUBLE PRECISION) AS row_id, path, hash, occurrence, rejected, request_id, checksum, message, request, " +
  "CASE WHEN origin = 'api' THEN duration END AS duration"

/** The replies of the rows that `rows` selects, by the number of their row. */
export const ofRows = ({ sql }: Pick<JobState, "sql">, rows: Fragment) =>
  Effect.map(
    Effect.flatMap(
      sql`SELECT ${sql.literal(columns)} FROM effect_claude_calls WHERE row_id IN (${rows}) ORDER BY ${sql.literal(order)}`,
      decode
    ),
    (calls) => {
      const latest = new Map<string, (typeof calls)[number]>()
      for (const call of calls) latest.set(`${call.row_id} ${call.occurrence} ${call.hash} ${call.path}`, call)
      return Map.groupBy(Iterable.map(latest.values(), storedCall), ({ row }) => row)
    }
  )

/** The reply of one call. */
export const find = ({ sql }: Pick<JobState, "sql">, row: number, { hash, occurrence, path }: ReplyStore.CallKey) =>
  Effect.map(
    Effect.flatMap(
      sql`SELECT ${sql.literal(columns)} FROM effect_claude_calls
          WHERE row_id = ${row} AND path = ${path} AND hash = ${hash} AND occurrence = ${occurrence}
          ORDER BY late, CASE late WHEN 1 THEN id ELSE -id END LIMIT 1`,
      decode
    ),
    ([call]) => call && storedCall(call).reply
  )

/** Marks a reply as one that the program could not use, and stores its request. */
export const reject = (
  { sql }: Pick<JobState, "sql">,
  row: number,
  { hash, occurrence, path }: ReplyStore.CallKey,
  request: string
) =>
  sql`UPDATE effect_claude_calls SET rejected = 1, request = ${request}
      WHERE row_id = ${row} AND path = ${path} AND hash = ${hash} AND occurrence = ${occurrence}`

const decode = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      row_id: Schema.Int,
      path: Schema.String,
      hash: Schema.String,
      occurrence: Schema.Int,
      rejected: Schema.Int,
      request_id: Schema.NullOr(Schema.String),
      checksum: Schema.String,
      message: Schema.String,
      request: Schema.NullOr(Schema.String),
      duration: Schema.NullOr(Schema.Finite)
    })
  )
)

const storedCall = (
  stored: Effect.Success<ReturnType<typeof decode>>[number]
): StoredCall & { readonly row: number } => {
  const { checksum, duration, message, rejected, request, request_id: requestId, row_id: row, ...call } = stored
  const reply = { ...(requestId !== null && { requestId }), message, checksum }
  return {
    ...call,
    row,
    isRejected: rejected === 1,
    request: request ?? undefined,
    duration: duration ?? undefined,
    reply
  }
}
