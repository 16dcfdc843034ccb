import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Migrator from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as Journal from "../../../src/pipeline/Journal.ts"
import * as OldTables from "../../../src/pipeline/journal/OldTables.ts"
import * as Tables from "../../../src/pipeline/journal/Tables.ts"
import * as RowId from "../../../src/pipeline/journal/RowId.ts"
import * as Sqlite from "../../../src/run/Sqlite.ts"
import { postgres, sqlite } from "./databases.ts"

describe("a state of version 2", () => {
  it.effect("keeps its finished rows, its failures and the order of its rows", () =>
    Effect.gen(function* () {
      const keys = Array.from({ length: 600 }, (_, index) => `row "${index}"`)
      const rows = keys.map((key, index) => ({ id: index + 1, key, run: 3, ordinal: index }))
      const result = (id: number, done: 0 | 1) => ({ id, run: 2, done, value: `{"of":${id}}` })
      yield* oldState(
        { version: 2, job: "tickets", shape: JSON.stringify(shape), run: 3, emulated: 0 },
        rows,
        rows.slice(0, 400).map(({ id }) => result(id, id % 4 === 0 ? 0 : 1))
      )
      const journal = yield* Effect.provide(Journal.Journal, begun)
      const claims = (yield* journal.claim(keys.map((key, ordinal) => ({ key, ordinal })))).map(({ status }) => status)
      assert.deepStrictEqual(
        claims,
        keys.map((_, index) => (index < 400 && (index + 1) % 4 !== 0 ? "done" : "pending"))
      )
      const outputs = yield* Stream.runCollect(journal.outputs)
      assert.deepStrictEqual(
        outputs,
        rows.slice(0, 400).flatMap(({ id }) => (id % 4 === 0 ? [] : [`{"of":${id}}`]))
      )
      assert.deepStrictEqual(yield* tables, [...tablesOfVersion11, "journal"])
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )

  it.effect("keeps a key that is too long for an index", () =>
    Effect.gen(function* () {
      const key = "k".repeat(5000)
      yield* oldState(head({}), [{ id: 1, key, run: 1, ordinal: 0 }], [{ id: 1, run: 1, done: 1, value: "A" }])
      const journal = yield* Effect.provide(Journal.Journal, begun)
      assert.deepStrictEqual(yield* journal.claim([{ key, ordinal: 0 }]), [{ status: "done", ordinal: 0 }])
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )

  it.effect.each([
    ["Claude's", 0, false],
    ["the emulator's", 1, true]
  ] as const)("keeps its answers as %s", ([, stored, emulated]) =>
    Effect.gen(function* () {
      yield* oldState(head({ emulated: stored }))
      const other = yield* Effect.flip(opened({ emulated: !emulated }))
      assert.instanceOf(other, Journal.JournalMixed)
      assert.strictEqual(yield* (yield* opened({ emulated })).emulated, emulated)
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )

  it.effect("accepts both kinds of answers if no row has sent a request", () =>
    Effect.gen(function* () {
      yield* oldState(head({ emulated: null }))
      for (const emulated of [true, false]) assert.isTrue(Predicate.isObject(yield* opened({ emulated })))
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )

  it.effect("names the differences from another form of its job", () =>
    Effect.gen(function* () {
      yield* oldState(head({}))
      assert.lengthOf((yield* opened({ shape: null })).differences, 2)
      assert.deepStrictEqual((yield* opened({})).differences, [])
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )

  it.effect("does not open in older releases after the migration", () =>
    Effect.gen(function* () {
      yield* oldState(head({}))
      yield* opened({})
      const sql = yield* SqlClient
      assert.deepStrictEqual(yield* sql`SELECT version FROM journal`.values, [[4]])
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )

  it.effect("is unchanged if the migration fails", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* oldState(head({}), undefined, [{ id: 1, run: 1, done: 1, value: "A".repeat(50_000) }])
      const pages = (yield* sql`PRAGMA page_count`.values)[0]?.[0]
      yield* sql`PRAGMA max_page_count = ${sql.literal(String(Number(pages) + 5))}`
      const error = yield* Effect.flip(opened({}))
      assert.match(error.message, /^the journal failed: .*database or disk is full; make room on the disk/)
      assert.notInclude(yield* tables, "effect_claude_results")
      yield* sql`PRAGMA max_page_count = 1000`
      const journal = yield* Effect.provide(Journal.Journal, begun)
      assert.deepStrictEqual(yield* journal.claim([{ key: "a", ordinal: 0 }]), [{ status: "done", ordinal: 0 }])
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )
})

describe("a state of version 1", () => {
  it.effect.each([
    ["Claude's, without a mark", { model: "claude-haiku-4-5" }, false],
    ["the emulator's, with its mark", { model: "claude-haiku-4-5", answers: "emulator" }, true]
  ] as const)("keeps its rows, and answers that are %s", ([, marked, emulated]) =>
    Effect.gen(function* () {
      const { emulated: _, ...first } = head({ version: 1, shape: JSON.stringify(marked) })
      yield* oldState(first)
      assert.instanceOf(yield* Effect.flip(opened({ emulated: !emulated })), Journal.JournalMixed)
      const journal = yield* Effect.provide(Journal.Journal, begunAs({ emulated }))
      assert.deepStrictEqual(yield* journal.claim([{ key: "a", ordinal: 0 }]), [{ status: "done", ordinal: 0 }])
      assert.deepStrictEqual(yield* Stream.runCollect(journal.outputs), ["A"])
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )
})

for (const { layer: database, missing, name } of [sqlite, postgres]) {
  describe.skipIf(missing !== "")(`a state of version 4 in ${name}${missing}`, () => {
    it.effect("keeps the results, failures and places of the rows of all its jobs", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient
        yield* version4
        const stored = JSON.stringify(shape)
        yield* sql`INSERT INTO effect_claude_jobs ${sql.insert([
          { name: "tickets", shape: stored, run: 3, emulated: 0 },
          { name: "letters", shape: stored, run: 1, emulated: null }
        ])}`
        const long = "k".repeat(5000)
        const { id, key } = RowId.make(long)
        yield* sql`INSERT INTO effect_claude_rows ${sql.insert([
          { job: 1, id: "b", key: null, run: 3, ordinal: 0 },
          { job: 1, id: "a", key: null, run: 3, ordinal: 1 },
          { job: 1, id, key, run: 3, ordinal: 2 },
          { job: 1, id: "gone", key: null, run: 2, ordinal: 0 },
          { job: 2, id: "a", key: null, run: 1, ordinal: 0 }
        ])}`
        yield* sql`INSERT INTO effect_claude_results ${sql.insert([
          { job: 1, id: "b", run: 1, done: 1, value: `"é"` },
          { job: 1, id: "a", run: 3, done: 0, value: `"no"` },
          { job: 1, id: "gone", run: 2, done: 1, value: `"gone"` }
        ])}`
        const journal = yield* Effect.provide(Journal.Journal, begun)
        const rows = ["a", "b", long, "gone"].map((key, ordinal) => ({ key, ordinal }))
        assert.deepStrictEqual(
          (yield* journal.claim(rows)).map(({ status }) => status),
          ["pending", "done", "pending", "done"]
        )
        assert.deepStrictEqual(yield* Stream.runCollect(journal.outputs), [`"é"`, `"gone"`])
        assert.strictEqual(yield* journal.outputSize, 5 + 7)
        const pending = yield* Stream.runCollect(journal.pending("all"))
        assert.deepStrictEqual(
          pending.map(({ hasFailed, key }) => [key, hasFailed]),
          [
            ["a", true],
            [long, false]
          ]
        )
        assert.isFalse(yield* journal.emulated)
        const letters = yield* Effect.provide(Journal.Journal, begunAs({ job: "letters" }))
        assert.deepStrictEqual(yield* letters.claim([{ key: "a", ordinal: 0 }]), [{ status: "pending", ordinal: 0 }])
      }).pipe(Effect.provide(database))
    )

    it.effect("has no sample of the rows whose calls it did not store", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient
        yield* version4
        yield* sql`INSERT INTO effect_claude_jobs ${sql.insert({ name: "tickets", shape: JSON.stringify(shape), run: 3, emulated: 0 })}`
        yield* sql`INSERT INTO effect_claude_rows ${sql.insert({ job: 1, id: "a", key: null, run: 3, ordinal: 0 })}`
        yield* sql`INSERT INTO effect_claude_results ${sql.insert({ job: 1, id: "a", run: 3, done: 1, value: `"A"` })}`
        const claimed = Effect.tap(Journal.Journal, ({ claim }) =>
          claim(["a", "b"].map((key, ordinal) => ({ key, ordinal })))
        )
        const sample = Effect.flatMap(claimed, ({ sample }) => sample(8))
        yield* Effect.provide(
          Effect.flatMap(claimed, ({ finish }) => finish("b", `"B"`)),
          begun
        )
        assert.deepStrictEqual(
          (yield* Effect.provide(sample, begun)).map(({ key }) => key),
          ["b"]
        )
      }).pipe(Effect.provide(database))
    )
  })
}

it.effect("creates its tables once, without a table named journal", () =>
  Effect.gen(function* () {
    yield* opened({})
    yield* opened({})
    assert.deepStrictEqual(yield* tables, tablesOfVersion11)
  }).pipe(Effect.provide(Sqlite.layerMemory))
)

describe.skipIf(postgres.missing !== "")(`the tables in PostgreSQL${postgres.missing}`, () => {
  it.effect("are made once where several processes begin at the same time", () =>
    Effect.gen(function* () {
      const layouts = yield* Effect.all(
        Array.from({ length: 8 }, () => Tables.migrate),
        { concurrency: 8 }
      )
      assert.deepStrictEqual(layouts, Array(8).fill(Tables.version))
    }).pipe(Effect.provide(postgres.layer))
  )

  it.effect("are refused by a worker of an earlier version, and stay as they are", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* Tables.migrate
      yield* sql`INSERT INTO effect_claude_migrations (migration_id, name) VALUES (99, 'from_the_future')`
      const joining = Effect.scoped(Layer.build(Journal.layerWorker({ job: "tickets", shape })))
      const error = yield* Effect.flip(joining)
      assert.instanceOf(error, Journal.JournalTooNew)
      assert.strictEqual(yield* Tables.migrate, 99)
    }).pipe(Effect.provide(postgres.layer))
  )

  it.effect("change once where several processes of a newer version begin at the same time", () =>
    Effect.gen(function* () {
      yield* version4
      const layouts = yield* Effect.all(
        Array.from({ length: 8 }, () => Tables.migrate),
        { concurrency: 8 }
      )
      assert.deepStrictEqual(layouts, Array(8).fill(Tables.version))
    }).pipe(Effect.provide(postgres.layer))
  )
})

// Builders

const tablesOfVersion11 = [
  "effect_claude_attempts",
  "effect_claude_batch_items",
  "effect_claude_batches",
  "effect_claude_calls",
  "effect_claude_chunks",
  "effect_claude_controls",
  "effect_claude_inputs",
  "effect_claude_jobs",
  "effect_claude_migrations",
  "effect_claude_minutes",
  "effect_claude_results",
  "effect_claude_rows",
  "effect_claude_runs",
  "effect_claude_wanted"
]

const shape = { model: "claude-haiku-4-5" }

/** The tables of version 4. */
const version4 = Migrator.make({})({
  loader: Migrator.fromRecord({ "3_create_tables": OldTables.create, "4_move_version_2": OldTables.moveVersion2 }),
  table: "effect_claude_migrations"
})

const opened = (options: Partial<Journal.Options>) =>
  Effect.provide(Journal.Journal, Journal.layer({ job: "tickets", shape, ...options }))

/** A started run. */
const begunAs = (options: Partial<Journal.Options>) =>
  Layer.effect(
    Journal.Journal,
    Effect.tap(Journal.Journal, (journal) => journal.begin(Effect.void))
  ).pipe(Layer.provide(Journal.layer({ job: "tickets", shape, ...options })))

const begun = begunAs({})

const tables = Effect.map(
  SqlClient.use((sql) => sql`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`.values),
  (rows) => rows.flat()
)

const head = (fields: object) => ({
  version: 2,
  job: "tickets",
  shape: JSON.stringify(shape),
  run: 1,
  emulated: 0 as 0 | 1 | null,
  ...fields
})

/** The tables as older releases wrote them, with one finished row by default. */
const oldState = Effect.fnUntraced(function* (
  head: object,
  rows: ReadonlyArray<object> = [{ id: 1, key: "a", run: 1, ordinal: 0 }],
  results: ReadonlyArray<object> = [{ id: 1, run: 1, done: 1, value: "A" }]
) {
  const sql = yield* SqlClient
  const last = "emulated" in head ? ", emulated INTEGER" : ""
  yield* sql`CREATE TABLE journal (version INTEGER, job TEXT, shape TEXT, run INTEGER${sql.literal(last)})`
  yield* sql`CREATE TABLE journal_rows
    (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, run INTEGER NOT NULL, ordinal INTEGER NOT NULL)`
  yield* sql`CREATE TABLE journal_results
    (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, done INTEGER NOT NULL, value TEXT NOT NULL)`
  yield* sql`INSERT INTO journal ${sql.insert({ ...head })}`
  for (const row of rows) yield* sql`INSERT INTO journal_rows ${sql.insert({ ...row })}`
  for (const result of results) yield* sql`INSERT INTO journal_results ${sql.insert({ ...result })}`
})
