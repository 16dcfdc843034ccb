/**
 * The layouts before version 5, which a state may still have. New states pass through them too, so that every state has
 * the same history.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import * as Struct from "effect/Struct"
import { isSqlite } from "./Dialect.ts"
import * as Kind from "./Kind.ts"
import * as RowId from "./RowId.ts"

/** Version 3: the results are in a table of their own, so that claims do not rewrite them. */
export const create = Effect.gen(function* () {
  const sql = yield* SqlClient
  const identity = sql.literal(isSqlite(sql) ? "" : "GENERATED ALWAYS AS IDENTITY")
  const clustered = sql.literal(isSqlite(sql) ? "WITHOUT ROWID" : "")
  yield* sql`CREATE TABLE effect_claude_jobs (
    id INTEGER ${identity} PRIMARY KEY, name TEXT NOT NULL UNIQUE, shape TEXT NOT NULL, run INTEGER NOT NULL,
    emulated INTEGER)`
  yield* sql`CREATE TABLE effect_claude_rows (
    job INTEGER NOT NULL, id TEXT NOT NULL, key TEXT, run INTEGER NOT NULL, ordinal INTEGER NOT NULL,
    PRIMARY KEY (job, id)) ${clustered}`
  yield* sql`CREATE INDEX effect_claude_rows_in_order ON effect_claude_rows (job, run, ordinal)`
  yield* sql`CREATE TABLE effect_claude_results (
    job INTEGER NOT NULL, id TEXT NOT NULL, run INTEGER NOT NULL, done INTEGER NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (job, id))`
})

/**
 * Version 4: versions 1 and 2 kept one job in an SQLite file. Its rows and results move to the tables of version 3. The
 * table `journal` stays with a version that those releases of effect-claude refuse to open.
 */
export const moveVersion2 = Effect.gen(function* () {
  const sql = yield* SqlClient
  if (!isSqlite(sql) || !(yield* hasVersion2)) return
  const [head] = yield* Effect.flatMap(sql`SELECT * FROM journal`, decodeHeads)
  if (head === undefined || head.version > 2) return
  const job = { id: 1, name: head.job, run: head.run }
  yield* sql`INSERT INTO effect_claude_jobs ${sql.insert({ ...job, ...(yield* Kind.encode(kindOf(head))) })}`
  for (let after = -1; ;) {
    const page = yield* Effect.flatMap(
      sql`SELECT r.id AS number, r.key, r.run, r.ordinal, v.run AS result_run, v.done, v.value
          FROM journal_rows r LEFT JOIN journal_results v ON v.id = r.id WHERE r.id > ${after} ORDER BY r.id LIMIT 256`,
      decodeRows
    )
    if (!Arr.isReadonlyArrayNonEmpty(page)) break
    after = Arr.lastNonEmpty(page).number
    const rows = Arr.map(page, ({ key, ordinal, run }) => ({ job: 1, ...RowId.make(key), run, ordinal }))
    yield* sql`INSERT INTO effect_claude_rows ${sql.insert(rows)}`
    const results = page.flatMap(({ done, key, result_run: run, value }) =>
      value === null ? [] : [{ job: 1, id: RowId.make(key).id, run, done, value }]
    )
    if (Arr.isArrayNonEmpty(results)) yield* sql`INSERT INTO effect_claude_results ${sql.insert(results)}`
  }
  yield* sql`DROP TABLE journal_results`
  yield* sql`DROP TABLE journal_rows`
  yield* sql`UPDATE journal SET version = 4`
})

/** Whether the table `journal` is ours: other programs use the name too. */
export const hasVersion2 = Effect.gen(function* () {
  const sql = yield* SqlClient
  const columns = yield* sql`SELECT t.name || '.' || c.name FROM sqlite_schema t, pragma_table_info(t.name) c
    WHERE t.type = 'table' AND t.name LIKE 'journal%'`.values
  const found = new Set(columns.flat())
  return [
    ...["version", "job", "shape", "run"].map((name) => `journal.${name}`),
    ...["id", "key", "run", "ordinal"].map((name) => `journal_rows.${name}`),
    ...["id", "run", "done", "value"].map((name) => `journal_results.${name}`)
  ].every((column) => found.has(column))
})

const decodeHeads = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      version: Schema.Int,
      job: Schema.String,
      shape: Schema.fromJsonString(Schema.Json),
      run: Schema.Int,
      emulated: Schema.optionalKey(Schema.NullOr(Schema.BooleanFromBit))
    })
  )
)

const decodeRows = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      number: Schema.Int,
      key: Schema.String,
      run: Schema.Int,
      ordinal: Schema.Int,
      result_run: Schema.NullOr(Schema.Int),
      done: Schema.NullOr(Schema.Int),
      value: Schema.NullOr(Schema.String)
    })
  )
)

/** Version 1 marked an emulator's answers in the shape. Answers without a mark count as Claude's. */
const kindOf = ({ emulated, shape }: Effect.Success<ReturnType<typeof decodeHeads>>[number]): Kind.Kind => {
  const isMarked = Predicate.hasProperty(shape, "answers") && shape.answers === "emulator"
  return {
    shape: emulated === undefined && isMarked ? Struct.omit(shape, ["answers"]) : shape,
    emulated: emulated === undefined ? isMarked : emulated
  }
}
