/**
 * Claims rows of the input, in pages of one statement.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import { placeholder } from "./Dialect.ts"
import type { JobState } from "./JobState.ts"
import * as RowId from "./RowId.ts"
import { states } from "./Tables.ts"

/** A row of the input: its key, and its place in the input, counted from 0. */
export interface Row {
  readonly key: string
  readonly ordinal: number
}

/** A row with what the input has of it, which a run stores that claims rows for other processes. */
export interface RowWithInput extends Row {
  readonly form?: string
  readonly encoded?: unknown
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
const pageSize = 256

/** Claims rows; returns the status of each row, in the same order. */
export const make = (job: JobState) => {
  const texts = new Map<number, string>()
  const textFor = (count: number) => {
    const text = texts.get(count) ?? statement(job, count)
    texts.set(count, text)
    return text
  }
  return (rows: ReadonlyArray<RowWithInput>) =>
    Effect.map(
      Effect.forEach(Arr.chunksOf(rows, pageSize), (page) => claimPage(job, textFor, page)),
      Arr.flatten
    )
}

/** A statement may touch each row once, so the first of several equal keys in a page stands for all of them. */
const claimPage = Effect.fnUntraced(function* (
  job: JobState,
  textFor: (count: number) => string,
  page: ReadonlyArray<RowWithInput>
) {
  const { sql } = job
  const firsts = new Map<string, number>()
  const parameters: Array<string | number | null> = []
  const names = page.map(({ key, ordinal }) => {
    const { id: name, key: long } = RowId.make(key)
    if (!firsts.has(name)) {
      firsts.set(name, ordinal)
      parameters.push(name, long, ordinal)
    }
    return name
  })
  const claimed = yield* sql.unsafe(textFor(firsts.size), parameters).values
  const statuses = new Map<number, Claim["status"]>()
  const numbers = new Map<number, number>()
  for (const columns of claimed) {
    const [ordinal = 0, state, size = 0, number = 0] = columns.map(Number)
    const isDone = state === states.done
    numbers.set(ordinal, number)
    statuses.set(ordinal, isDone ? "done" : "pending")
    job.total += 1
    job.done += isDone ? 1 : 0
    job.size += size
  }
  if (job.opened.role === "submits") yield* storeInputs(job, page, numbers)
  if (claimed.length < firsts.size) {
    const earlier = [...firsts].filter(([, ordinal]) => !statuses.has(ordinal)).map(([name]) => name)
    const places = yield* sql`SELECT name, ordinal FROM effect_claude_rows
      WHERE job = ${job.id} AND ${sql.in("name", earlier)}`.values
    for (const [name, ordinal] of places) firsts.set(String(name), Number(ordinal))
  }
  return page.map(({ ordinal }, index): Claim => {
    const first = firsts.get(names[index] ?? "") ?? ordinal
    return { status: (first === ordinal && statuses.get(ordinal)) || "duplicate", ordinal: first }
  })
})

/** Stores the inputs of rows, whose numbers are known by their ordinals. */
const storeInputs = (
  { sql }: JobState,
  page: ReadonlyArray<RowWithInput>,
  numbers: ReadonlyMap<number, number>
): Effect.Effect<unknown, SqlError> => {
  const inputs = page.flatMap(({ encoded, form = "json", ordinal }) => {
    const number = numbers.get(ordinal)
    return number === undefined ? [] : [{ row_id: number, form, value: JSON.stringify(encoded) }]
  })
  return !Arr.isArrayNonEmpty(inputs)
    ? Effect.void
    : sql`INSERT INTO effect_claude_inputs ${sql.insert(inputs)}
          ON CONFLICT (row_id) DO UPDATE SET form = excluded.form, value = excluded.value`
}

/** The database prepares the statement once for all full pages. */
const statement = ({ id, run, sql }: JobState, count: number) => {
  const mark = placeholder(sql)
  const rows = Array.from({ length: count }, (_, row) => {
    const [name, key, ordinal] = [mark(3 * row + 1), mark(3 * row + 2), mark(3 * row + 3)]
    return `(${id}, ${name}, ${key}, ${run}, ${ordinal}, ${states.pending}, 0)`
  })
  return `INSERT INTO effect_claude_rows (job, name, key, run, ordinal, state, size) VALUES ${rows.join(", ")}
    ON CONFLICT (job, name) DO UPDATE SET run = excluded.run, ordinal = excluded.ordinal
      WHERE effect_claude_rows.run <> excluded.run
    RETURNING ordinal, state, size, id`
}
