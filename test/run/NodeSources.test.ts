import { mkdirSync, writeFileSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Dataset } from "effect-claude"
import * as NodeSources from "../../src/run/NodeSources.ts"
import { folder } from "../pipeline/dataset/files.ts"

const Row = Schema.Struct({ id: Schema.BigInt, paid: Schema.Boolean, note: Schema.optionalKey(Schema.String) })

describe("a query on an SQLite file", () => {
  it.effect("has its rows as the schema wants them, more than a page of them", () =>
    Effect.gen(function* () {
      const path = yield* database
      const rows = yield* read(Row, `sqlite:${path}?select id, paid, note from payments order by id`)
      assert.lengthOf(rows, 1001)
      assert.deepStrictEqual(rows.at(0), { id: 1n, paid: true, note: "a?b" })
      assert.deepStrictEqual(rows.at(-1), { id: 9007199254740993n, paid: false })
      const Bytes = Schema.Struct({ bytes: Schema.Uint8Array })
      const [bytes] = yield* read(Bytes, `sqlite:${path}?select x'0102' as bytes`)
      assert.deepStrictEqual(bytes, { bytes: new Uint8Array([1, 2]) })
      assert.deepStrictEqual(
        yield* Dataset.columns(Dataset.fromFile(Row, `sqlite:${path}?select id, paid from payments`)),
        ["id", "paid"]
      )
    }).pipe(provide)
  )

  it.effect("names a row that does not fit, and says what is wrong with a query", () =>
    Effect.gen(function* () {
      const path = yield* database
      const firstRow = (query: string) => Effect.map(read(Row, `sqlite:${path}?${query}`), ([first]) => first)
      assert.strictEqual(
        yield* firstRow("select 'x' as id, 1 as paid"),
        `${path} row 1: "id" must be a string representing a bigint, got "x"; fix the row, and run again`
      )
      assert.strictEqual(
        yield* firstRow("select * from absent"),
        `${path}: no such table: absent; correct the query or the file`
      )
      assert.match(String(yield* firstRow("")), /write a query after the file: "sqlite:.*\?select …"$/)
      assert.match(
        String(yield* firstRow("delete from payments")),
        /the query returns no rows; write a SELECT; correct/
      )
      assert.match(
        String(yield* firstRow("select 1 as a, 2 as a")),
        /two columns of the query are named "a"; rename one/
      )
      const [deleting] = yield* read(Row, `sqlite:${path}?delete from payments returning *`)
      assert.match(String(deleting), /the query writes, and inputs are only read; write a SELECT/)
      const [absent] = yield* read(Row, `sqlite:${path}.absent?select 1`)
      assert.match(String(absent), /absent: there is no such file; correct the query or the file/)
    }).pipe(provide)
  )
})

const url = process.env["TEST_DATABASE_URL"]

describe.runIf(url !== undefined)("a query on PostgreSQL (needs TEST_DATABASE_URL)", () => {
  it.effect("has its rows as the schema wants them", () =>
    Effect.gen(function* () {
      const Values = Schema.Struct({ id: Schema.BigInt, paid: Schema.Boolean, at: Schema.Date, tags: Schema.Json })
      const query = `select 9007199254740993::bigint as id, true as paid, '2026-01-02Z'::timestamptz as at, '{"a":[1]}'::jsonb as tags`
      assert.deepStrictEqual(yield* read(Values, `${url}?${query}`), [
        { id: 9007199254740993n, paid: true, at: new Date("2026-01-02T00:00:00Z"), tags: { a: [1] } }
      ])
      const Number = Schema.Struct({ n: Schema.Int })
      const many = yield* read(Number, `${url}?select n from generate_series(1, 5000) n`)
      assert.lengthOf(many, 5000)
    }).pipe(provide)
  )

  it.effect("says what is wrong without the password", () =>
    Effect.gen(function* () {
      const secret = (url ?? "").replace("//", "//me:hunter2@").replace("@root@", "@")
      for (const query of ["", "?select * from nothing_here"]) {
        const [message] = yield* read(Row, `${secret}${query}`)
        assert.notInclude(String(message), "hunter2")
      }
      const [message] = yield* read(Row, `${url}?select * from nothing_here`)
      assert.match(String(message), /relation "nothing_here" does not exist; correct the query$/)
    }).pipe(provide)
  )
})

describe("several files", () => {
  it.effect("are read one after the other, by a pattern or by their names, in any formats", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      writeFileSync(join(directory, "b.csv"), "id\n3\n")
      writeFileSync(join(directory, "a.csv"), "id\n1\n2\n")
      writeFileSync(join(directory, "c.jsonl"), `{"id":4}\n`)
      const Id = Schema.Struct({ id: Schema.Int })
      assert.deepStrictEqual(yield* read(Id, join(directory, "*.csv")), [{ id: 1 }, { id: 2 }, { id: 3 }])
      const dataset = Dataset.fromFiles(Id, [join(directory, "c.jsonl"), join(directory, "*.csv")])
      assert.deepStrictEqual(yield* rowsOf(dataset), [{ id: 4 }, { id: 1 }, { id: 2 }, { id: 3 }])
      const [none] = yield* read(Id, join(directory, "*.tsv"))
      assert.strictEqual(none, `${join(directory, "*.tsv")}: no file has such a path; correct the pattern`)
    }).pipe(provide)
  )
})

describe("a folder", () => {
  it.effect("has a row for each text file in it", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      mkdirSync(join(directory, "sub"))
      writeFileSync(join(directory, "b.txt"), "\uFEFFé\r\n")
      writeFileSync(join(directory, "sub", "a"), "")
      writeFileSync(join(directory, "c.eml"), Buffer.from([0xe9]))
      writeFileSync(join(directory, ".hidden"), "")
      const Text = Schema.Struct({ path: Schema.String, text: Schema.String })
      assert.deepStrictEqual(yield* read(Text, directory), [
        { path: "b.txt", text: "é\r\n" },
        `${join(directory, "c.eml")}: not UTF-8; save it as UTF-8; fix the file, and run again`,
        { path: "sub/a", text: "" }
      ])
      writeFileSync(join(directory, "rows.csv"), "id\n")
      const [message] = yield* read(Text, directory)
      assert.strictEqual(
        message,
        `${directory}: this folder has files of rows, such as rows.csv, and not only texts; name them: "${directory}/*.csv"`
      )
    }).pipe(provide)
  )
})

// Builders

const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(Effect.scoped, Effect.provide(Layer.merge(NodeServices.layer, NodeSources.layer)))

const database = Effect.map(folder, (directory) => {
  const path = join(directory, "payments.db")
  const database = new DatabaseSync(path)
  database.exec("create table payments (id integer primary key, paid integer, note text)")
  database.exec("begin")
  for (let id = 1; id <= 1000; id++) database.exec(`insert into payments values (${id}, 1, 'a?b')`)
  database.exec("insert into payments values (9007199254740993, 0, null)")
  database.exec("commit")
  database.close()
  return path
})

/** Values and messages. */
const rowsOf = <A, R>(dataset: Dataset.Dataset<A, Dataset.DatasetFailed, R>) =>
  dataset.rows.pipe(
    Stream.map((row): unknown => (Result.isSuccess(row) ? row.success.value : row.failure.message)),
    Stream.runCollect,
    Effect.catchTag("DatasetFailed", ({ message }) => Effect.succeed<ReadonlyArray<unknown>>([message]))
  )

const read = <A>(schema: Schema.ConstraintDecoder<A>, input: string) => rowsOf(Dataset.fromFile(schema, input))
