/**
 * The claimed rows of a run: how rows are claimed, and how they are read again in the order of the input, page by page.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import type { JobState } from "./JobState.ts"
import * as RowId from "./RowId.ts"
import { states } from "./Tables.ts"

/** A row of the input: its key, and its place in the input, counted from 0. */
export interface Row {
  readonly key: string
  readonly ordinal: number
}

/**
 * A claimed row: `done` if an earlier run finished it; `duplicate` if this run has claimed its key before; `pending`
 * otherwise.
 */
export interface Claim {
  readonly status: "pending" | "done" | "duplicate"
  /** The place of the first row with this key in the input, counted from 0. It is another row for a duplicate only. */
  readonly ordinal: number
}

/** Rows of one statement. */
export const pageSize = 256

/** Claims rows. A statement may touch each row once, so the first of several equal keys in a page stands for them. */
export const claim = (job: JobState, rows: ReadonlyArray<Row>) =>
  Effect.map(
    Effect.forEach(Arr.chunksOf(rows, pageSize), (page) => claimPage(job, page)),
    Arr.flatten
  )

const claimPage = Effect.fnUntraced(function* (job: JobState, page: Arr.NonEmptyReadonlyArray<Row>) {
  const { run, sql } = job
  const rows = Arr.map(page, ({ key, ordinal }) => {
    const { id, key: long } = RowId.make(key)
    return { job: job.id, name: id, key: long, run, ordinal, state: states.pending, size: 0 }
  })
  const unique = Arr.dedupeWith(rows, (row, other) => row.name === other.name)
  const first = new Map(unique.map((row) => [row.name, row]))
  const claimed = yield* Effect.flatMap(
    sql`INSERT INTO effect_claude_rows ${sql.insert(unique)}
        ON CONFLICT (job, name) DO UPDATE SET run = excluded.run, ordinal = excluded.ordinal
          WHERE effect_claude_rows.run <> excluded.run
        RETURNING name, state, size`,
    decodeClaims
  )
  job.total += claimed.length
  const found = new Map<string, Claim>()
  for (const { name, size, state } of claimed) {
    const isDone = state === states.done
    if (isDone) job.done += 1
    job.size += size
    found.set(name, { status: isDone ? "done" : "pending", ordinal: first.get(name)?.ordinal ?? 0 })
  }
  const earlier = [...first.keys()].filter((name) => !found.has(name))
  if (Arr.isArrayNonEmpty(earlier)) {
    const places = yield* Effect.flatMap(
      sql`SELECT name, ordinal FROM effect_claude_rows WHERE job = ${job.id} AND ${sql.in("name", earlier)}`,
      decodePlaces
    )
    for (const { name, ordinal } of places) found.set(name, { status: "duplicate", ordinal })
  }
  return rows.map(({ name, ordinal }): Claim => {
    const claim = found.get(name) ?? { status: "duplicate" as const, ordinal }
    return claim.ordinal === ordinal ? claim : { status: "duplicate", ordinal: claim.ordinal }
  })
})

/** Claimed rows of which `condition` holds, in input order. `from` may join other tables to the rows `r`. */
export const pages = <A extends { readonly ordinal: number }>(
  job: JobState,
  select: { readonly columns: string; readonly from?: string; readonly condition: string },
  decode: (rows: unknown) => Effect.Effect<ReadonlyArray<A>, Schema.SchemaError>
): Stream.Stream<Arr.NonEmptyReadonlyArray<A>, SqlError | Schema.SchemaError> => {
  const { sql } = job
  return Stream.paginate(-1, (after) =>
    sql`SELECT ${sql.literal(select.columns)} FROM effect_claude_rows r ${sql.literal(select.from ?? "")}
        WHERE r.job = ${job.id} AND r.run = ${job.claimed} AND r.ordinal > ${after}
          AND ${sql.literal(select.condition)} ORDER BY r.ordinal LIMIT ${pageSize}`.pipe(
      Effect.flatMap(decode),
      Effect.map(
        (page) =>
          [
            Arr.isReadonlyArrayNonEmpty(page) ? [page] : [],
            Option.map(Arr.last(page), ({ ordinal }) => ordinal)
          ] as const
      ),
      Effect.withTracerEnabled(false)
    )
  )
}

const decodeClaims = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ name: Schema.String, state: Schema.Int, size: Schema.Int }))
)
const decodePlaces = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ name: Schema.String, ordinal: Schema.Int }))
)
