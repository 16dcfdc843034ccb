import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Dataset } from "effect-claude"
import * as CsvText from "../../../src/pipeline/dataset/CsvText.ts"
import { fileOf, provideNode, read } from "./files.ts"

const Texts = Schema.Record(Schema.String, Schema.String)

describe("a CSV file", () => {
  it.effect("is read with any delimiter, line ending, quotes and a BOM", () =>
    Effect.gen(function* () {
      const rows = [
        { id: "007", text: 'a "b"\r\nc' },
        { id: "8", text: "d;e,f\tg|h" },
        { id: "", text: " i " }
      ]
      for (const delimiter of [",", ";", "\t", "|"]) {
        for (const end of ["\n", "\r\n", "\r"]) {
          const lines = [`\uFEFFid,text`, `007,"a ""b""\r\nc"`, `8,"d;e,f\tg|h"`, `, i `]
          const content = lines.map((line) => line.replace(/,/, delimiter)).join(end)
          for (const last of ["", end, end + end]) {
            const path = yield* fileOf("rows.csv", content + last)
            assert.deepStrictEqual(yield* read(Texts, path), rows, JSON.stringify(content))
          }
        }
      }
    }).pipe(Effect.scoped, provideNode)
  )

  it.effect("takes the delimiter of a first line sep=, as Excel does", () =>
    Effect.gen(function* () {
      const path = yield* fileOf("rows.csv", "sep=;\r\na,b;c\r\n1;2\r\n")
      assert.deepStrictEqual(yield* read(Texts, path), [{ "a,b": "1", c: "2" }])
    }).pipe(Effect.scoped, provideNode)
  )

  it.effect("is read with tabs where it ends in .tsv", () =>
    Effect.gen(function* () {
      const path = yield* fileOf("rows.tsv", "name, first\tage\nAda, Countess\t36\n")
      assert.deepStrictEqual(yield* read(Texts, path), [{ "name, first": "Ada, Countess", age: "36" }])
    }).pipe(Effect.scoped, provideNode)
  )

  it.effect("continues after a row with too few or too many cells, and names its line and record", () =>
    Effect.gen(function* () {
      const path = yield* fileOf("rows.csv", `id,text\n1,"a\nb"\n\n2\n3,c,d\n4,e\n`)
      assert.deepStrictEqual(yield* read(Texts, path), [
        { id: "1", text: "a\nb" },
        "rows.csv line 5: record 4 has 1 cell, and the header 2; add the cells that are missing",
        "rows.csv line 6: record 5 has 3 cells, and the header 2; put quotes around a cell with a delimiter in it",
        { id: "4", text: "e" }
      ])
    }).pipe(Effect.scoped, provideNode)
  )

  it.effect("keeps every cell of a column named __proto__, and names columns without a name", () =>
    Effect.gen(function* () {
      const path = yield* fileOf("rows.csv", `,__proto__,\na,b,c\n`)
      const [row] = yield* Stream.runCollect(Dataset.fromFile(Texts, path).rows)
      const encoded = row !== undefined && Result.isSuccess(row) ? row.success.encoded : {}
      assert.deepStrictEqual(Object.entries(encoded ?? {}), [
        ["column1", "a"],
        ["__proto__", "b"],
        ["column3", "c"]
      ])
      assert.deepStrictEqual(yield* Dataset.columns(Dataset.fromFile(Texts, path)), ["column1", "__proto__", "column3"])
    }).pipe(Effect.scoped, provideNode)
  )

  it.effect("has the lines of its rows and all its bytes, also where it is larger than a chunk", () =>
    Effect.gen(function* () {
      const lines = Array.from({ length: 50_000 }, (_, index) =>
        index % 7 === 0 ? `${index},"a\r\nb"` : `${index},é€😀`
      )
      const content = `id,text\n${lines.join("\n")}\n`
      const path = yield* fileOf("rows.csv", content)
      const pages = yield* Stream.runCollect(Dataset.fromFile(Texts, path).pages)
      const places = pages.flatMap((page) => Array.from({ length: page.size }, (_, index) => page.place(index).number))
      let line = 2
      const expected = lines.map((text) => {
        const start = line
        line += text.includes("\n") ? 2 : 1
        return start
      })
      assert.deepStrictEqual(places, expected)
      assert.isAbove(pages.length, 2)
      assert.strictEqual(Buffer.concat(pages.map(({ bytes }) => bytes ?? Buffer.alloc(0))).toString(), content)
    }).pipe(Effect.scoped, provideNode)
  )

  it.effect("refuses a record that never ends with the memory of one request", () =>
    Effect.gen(function* () {
      const path = yield* fileOf("rows.csv", `id\n1\n"${"x\n".repeat(20_000_000)}`)
      assert.strictEqual(
        yield* read(Texts, path),
        "rows.csv: line 3 begins a record longer than 32 MB, a request's limit; end its lines, or close a quote in it"
      )
    }).pipe(Effect.scoped, provideNode)
  )

  it.effect.prop(
    "is read as it was written",
    [Schema.NonEmptyArray(Schema.Struct({ id: Schema.String, "a b": Schema.String }))],
    ([rows]) =>
      Effect.gen(function* () {
        const wanted = rows.filter(({ id }) => id !== "").map((row) => ({ ...row, id: row.id.toWellFormed() }))
        if (wanted.length === 0) return
        const lines = wanted.map((row) => JSON.stringify({ ...row, "a b": row["a b"].toWellFormed() }))
        const bytes = yield* Stream.runCollect(CsvText.encode(",")(Stream.fromIterable(lines)))
        const path = yield* fileOf("rows.csv", Buffer.concat(bytes))
        assert.deepStrictEqual(
          yield* read(Texts, path),
          lines.map((line): unknown => JSON.parse(line))
        )
      }).pipe(Effect.scoped, provideNode)
  )
})
