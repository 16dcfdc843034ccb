/**
 * Chooses finished rows that show whether the program has changed: the first, the last, and some between.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { JobState } from "./JobState.ts"
import * as Calls from "./Calls.ts"
import type { Row } from "./Claiming.ts"
import * as RowId from "./RowId.ts"

/** A finished row, with its replies. */
export interface SampledRow extends Row {
  readonly output: string
  readonly replies: ReadonlyArray<Calls.StoredCall>
}

/** The state keeps the requests of the first rows, of one row in `spacing`, and of rejected replies. */
const first = 8
const spacing = 256

/** Whether the requests of a row are kept. */
export const keepsRequests = (ordinal: number): boolean => ordinal < first || ordinal % spacing === 0

/** Rows to look at for each one that is chosen: it must have been finished after the last `keep`. */
const reach = 64

/** At most `count` rows in the order of the input. They were finished after the last `keep`. */
export const choose = Effect.fnUntraced(function* (job: JobState, count: number) {
  const { id, opened, sql } = job
  const claimed = job.total > 0 ? job.claimed : opened.before.claimed
  const finished = sql`FROM effect_claude_rows r JOIN effect_claude_results v ON v.row_id = r.id
    WHERE r.job = ${id} AND r.run = ${claimed} AND r.state = 1`
  const columns = sql.literal("CAST(r.id AS DOUBLE PRECISION) AS number, r.name, r.key, r.ordinal, v.run, v.value")
  // SQLite finds one of the two at an end of the index, and reads all of it for both at once.
  const done = sql`FROM effect_claude_rows WHERE job = ${id} AND run = ${claimed} AND state = 1`
  const [bounds] = yield* Effect.flatMap(
    sql`SELECT (SELECT MIN(ordinal) ${done}) AS first, (SELECT MAX(ordinal) ${done}) AS last`,
    decodeBounds
  )
  if (bounds.first === null || bounds.last === null) return []
  const span = bounds.last - bounds.first
  const chosen = new Map<number, Effect.Success<ReturnType<typeof decodeRows>>[number]>()
  for (let probe = 0; probe < count; probe++) {
    const isLast = probe === count - 1 && count > 1
    const target = bounds.first + Math.floor((span * probe) / Math.max(1, count - 1))
    // Rows whose requests are kept can explain a difference.
    const from = target < spacing ? target : target - (target % spacing)
    const rows = yield* Effect.flatMap(
      isLast
        ? sql`SELECT ${columns} ${finished} ORDER BY r.ordinal DESC LIMIT ${reach}`
        : sql`SELECT ${columns} ${finished} AND r.ordinal >= ${from} ORDER BY r.ordinal LIMIT ${reach}`,
      decodeRows
    )
    const row = rows.find(({ number, run }) => run > job.kept && !chosen.has(number))
    if (row !== undefined) chosen.set(row.number, row)
  }
  return yield* Effect.forEach(
    [...chosen.values()].toSorted((one, other) => one.ordinal - other.ordinal),
    Effect.fnUntraced(function* ({ key, name, number, ordinal, value }) {
      const replies = yield* Calls.ofRows(job, sql`SELECT CAST(${number} AS BIGINT)`)
      const row = { key: RowId.keyOf({ id: name, key }), ordinal, output: value }
      return { ...row, replies: replies.get(number) ?? [] } satisfies SampledRow
    })
  )
})

const decodeBounds = Schema.decodeUnknownEffect(
  Schema.Tuple([Schema.Struct({ first: Schema.NullOr(Schema.Int), last: Schema.NullOr(Schema.Int) })])
)

const decodeRows = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      number: Schema.Int,
      name: Schema.String,
      key: Schema.NullOr(Schema.String),
      ordinal: Schema.Int,
      run: Schema.Int,
      value: Schema.String
    })
  )
)
