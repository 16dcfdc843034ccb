/**
 * `npm run data`: reads every table of vega-datasets, writes it in every format, reads that back, and prints what survives.
 * Then does the same with a CSV of a spreadsheet library, whose cells have line breaks and quotes. Exits with 1 if a value is
 * lost. Name files to try only these.
 */
import { NodeServices } from "@effect/platform-node"
import Excel from "exceljs"
import { Effect, Result, Schema, Stream } from "effect"
import { mkdtempSync, readdirSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, extname, join } from "node:path"
import * as Dataset from "../../src/pipeline/Dataset.ts"
import * as NodeCompression from "../../src/run/NodeCompression.ts"

const formats = ["jsonl", "json", "csv", "tsv", "parquet"]

const folder = mkdtempSync(join(tmpdir(), "survive-"))

/** Rows of a file that are tried. */
const most = 200_000

type Row = Readonly<Record<string, unknown>>

const rowsOf = (path: string) =>
  Effect.map(
    Stream.runCollect(Stream.take(Dataset.fromFile(Schema.Record(Schema.String, Schema.Json), path).rows, most)),
    (rows) =>
      rows.map((row) => {
        if (Result.isFailure(row)) throw new Error(row.failure.message)
        return row.success.encoded as Row
      })
  )

/** Writes rows as a run does, with the input as the source of types. */
const write = Effect.fnUntraced(function* (path: string, rows: ReadonlyArray<Row>, source: string) {
  const { replaceWith } = yield* Dataset.writeLines(path)
  yield* replaceWith(Stream.fromIterable(rows.map((row) => JSON.stringify(row))), { files: [source] })
}, Effect.scoped)

/** What became of a value, in a word; undefined if it is as it was. */
const changeOf = (before: unknown, after: unknown): string | undefined => {
  if (JSON.stringify(before) === JSON.stringify(after)) return undefined
  if (before === undefined && (after === null || after === "")) return "missing is empty"
  if (before === null && after === "") return "null is empty"
  if (typeof after === "string" && typeof before !== "string" && JSON.stringify(before) === after) {
    return typeof before === "object" ? "nested is a text" : `${typeof before} is a text`
  }
  return same(before, after) ? "missing is null inside" : "LOST"
}

/** Whether two nested values differ only in null against missing, and in the order of fields. */
const same = (before: unknown, after: unknown): boolean => {
  if (before === undefined || before === null) return after === null || after === undefined
  if (typeof before !== "object" || typeof after !== "object" || after === null) return before === after
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keys].every((key) => same((before as Row)[key], (after as Row)[key]))
}

const compare = (before: ReadonlyArray<Row>, after: ReadonlyArray<Row>): string => {
  if (before.length !== after.length) return `LOST rows: ${after.length} of ${before.length}`
  const columns = new Map<string, Set<string>>()
  for (const [index, row] of before.entries()) {
    const other = after[index] ?? {}
    for (const column of new Set([...Object.keys(row), ...Object.keys(other)])) {
      const change = changeOf(row[column], other[column])
      if (change !== undefined) columns.set(change, (columns.get(change) ?? new Set()).add(column))
    }
  }
  return columns.size === 0 ? "same" : [...columns].map(([change, { size }]) => `${change} (${size})`).join(", ")
}

const schemaOf = async (path: string) => {
  const { asyncBufferFromFile, parquetMetadataAsync } = await import("hyparquet")
  return JSON.stringify((await parquetMetadataAsync(await asyncBufferFromFile(path))).schema.slice(1))
}

const tryFile = Effect.fnUntraced(function* (path: string) {
  const rows = yield* rowsOf(path)
  const results: Record<string, string> = {}
  for (const format of formats) {
    const output = join(folder, `out.${format}`)
    yield* write(output, rows, path)
    const after = yield* rowsOf(output)
    const types = format === "parquet" && extname(path) === ".parquet"
    const kept =
      types && (yield* Effect.promise(() => schemaOf(path))) === (yield* Effect.promise(() => schemaOf(output)))
    results[format] = compare(rows, after) + (types ? (kept ? ", types kept" : ", TYPES DIFFER") : "")
  }
  return { rows: rows.length, results }
})

const data = new URL("./node_modules/vega-datasets/data/", import.meta.url).pathname
const wanted = process.argv.slice(2)
const files = readdirSync(data)
  .filter((name) => [".csv", ".tsv", ".json", ".parquet"].includes(extname(name)))
  .filter((name) => wanted.length === 0 || wanted.includes(name))

let lost = 0
console.log(`| file | rows | ${formats.join(" | ")} |\n|---|---|${formats.map(() => "---|").join("")}`)
const run = <A, E>(effect: Effect.Effect<A, E, NodeServices.NodeServices>) =>
  Effect.runPromise(Effect.provide(effect, [NodeServices.layer, NodeCompression.layer]))

for (const name of files) {
  const line = await run(tryFile(join(data, name))).then(
    ({ results, rows }) => `${rows} | ${formats.map((format) => results[format]).join(" | ")}`,
    (error) => `refused: ${String(error.message).replace(data, "")} |`
  )
  if (/LOST|DIFFER/.test(line)) lost += 1
  console.log(`| ${name} | ${line} |`)
}

/** A spreadsheet with what is hard in a CSV. */
const cells = [
  ["id", "text", "empty"],
  ["007", 'He said "no",\nand left', ""],
  ["008", "a\r\nb\rc", ""],
  ["009", '"', ""],
  ["010", "=1+1; ü 🙂\tx", ""]
]
const book = new Excel.Workbook()
book.addWorksheet("rows").addRows(cells)
const [header = [], ...records] = cells
const sheet = join(folder, "sheet.csv")
await book.csv.writeFile(sheet)
const lines = join(folder, "sheet.jsonl")
writeFileSync(
  lines,
  records
    .map((record) => `${JSON.stringify(Object.fromEntries(header.map((name, index) => [name, record[index]])))}\n`)
    .join("")
)
const [fromSheet, fromLines] = [await run(rowsOf(sheet)), await run(rowsOf(lines))]
const result = compare(fromLines, fromSheet)
console.log(`\n${basename(sheet)} by exceljs against the same rows as NDJSON: ${result}`)
if (result !== "same") lost += 1
process.exit(lost === 0 ? 0 : 1)
