/**
 * CSV and TSV: records of cells under a header that names the columns. Effect's parser finds the records; the header, the
 * lines, and records with too few or too many cells are ours, since the parser ends the file at the first of these.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Parser from "effect/encoding/Csv"
import * as ResultLine from "../ResultLine.ts"
import * as CsvText from "./CsvText.ts"
import { DatasetFailed } from "./DatasetFailed.ts"
import { type EncodedPage, type Format, type InputFile, longestRow } from "./Format.ts"
import * as Head from "./Head.ts"
import * as Header from "./Header.ts"
import * as Parsed from "./Parsed.ts"
import type { Place } from "./Place.ts"

type Cells = ReadonlyArray<string>

/** What may separate cells. Of two that a header has as often, the first wins. */
const delimiters = [",", ";", "\t", "|"]

const formatOf = (ending: string, delimiter?: "\t"): Format => ({
  endings: [ending],
  values: "cells",
  read: (file) => Stream.unwrap(Effect.map(Head.of(file), (head) => read(file, head, delimiter))),
  write: (lines, { results } = {}) =>
    CsvText.encode(delimiter ?? ",", results === undefined ? [] : ResultLine.columns(results))(lines)
})

export const csv = formatOf(".csv")
export const tsv = formatOf(".tsv", "\t")

const read = (file: InputFile, head: Uint8Array, given: string | undefined) => {
  const fail = (detail: string) => new DatasetFailed({ path: file.path, detail })
  const problem = Head.problemOf(head)
  if (problem !== undefined) return Stream.fail(fail(problem))
  const start = new TextDecoder().decode(head)
  const delimiter = given ?? delimiterOf(start)
  const parser = Parser.decodeString<DatasetFailed, unknown>({ delimiter, maxRecordSize: longestRow })
  const pieces = Parsed.pieces(file, (texts) =>
    Stream.mapError(Stream.pipeThroughChannel(texts, parser), (error) =>
      error._tag === "CsvError" ? fail(explain(error)) : error
    )
  )
  return Stream.suspend(() => {
    const pageOf = pager(file.path)
    return Stream.concat(
      Stream.mapEffect(pieces, (piece) => Effect.mapError(Effect.fromResult(pageOf(piece)), fail)),
      // The first record may be the only one.
      Stream.unwrap(Effect.sync(() => (pageOf.hasHeader() ? Stream.empty : Stream.fail(fail(empty)))))
    )
  })
}

const empty = "it is empty; write the names of the columns in its first line"

/** The delimiter that the header has most often outside quotes, or the one of a first line `sep=;`, as Excel has it. */
const delimiterOf = (start: string): string => {
  const [, declared] = /^\uFEFF?sep=([,;\t|])\r?\n/.exec(start) ?? []
  if (declared !== undefined) return declared
  const [header = ""] = start
    .trimStart()
    .replace(/"(?:[^"]|"")*"?/g, "")
    .split(/[\r\n]/, 1)
  const counts = delimiters.map((delimiter) => header.split(delimiter).length)
  return delimiters[counts.indexOf(Math.max(...counts))] ?? ","
}

const explain = ({ column, kind, line, message }: Parser.CsvError): string => {
  if (kind === "RecordSize") {
    return `line ${line} begins a record longer than ${longestRow / 1e6} MB, a request's limit; end its lines, or close a quote in it`
  }
  if (message.startsWith("Unterminated"))
    return `line ${line} begins a record with a quote that is not closed; close it`
  const place = `line ${line}, column ${column}`
  return message.startsWith("Unexpected quote")
    ? `${place}: a cell with a quote in it must begin and end with one; write 5" as "5"""`
    : `${place}: a cell ends after its closing quote; write "" for a quote inside it`
}

/** Makes pages of pieces: takes the header off, skips empty lines, and counts lines. */
const pager = (path: string) => {
  let header: Header.Header | undefined
  let line = 1
  let record = 0
  const take = ({ bytes, rows, texts }: Parsed.Piece<Cells>): Result.Result<EncodedPage, string> => {
    const records: Array<Cells> = []
    const lines: Array<number> = []
    const numbers: Array<number> = []
    const hasQuotes = texts.some(({ text }) => text.includes('"'))
    const isBroken = texts.some(({ isBroken }) => isBroken)
    for (const cells of rows) {
      const start = line
      line += 1 + (hasQuotes ? breaksIn(cells) : 0)
      record += 1
      if (isBlank(cells) || (record === 1 && isDeclaration(cells))) continue
      if (header !== undefined) {
        records.push(cells)
        lines.push(start)
        numbers.push(record)
        continue
      }
      if (isBroken && cells.some(isReplaced)) return Result.fail(`line ${start}: ${notUtf8}`)
      const made = Header.make(cells)
      if (Result.isFailure(made)) return Result.fail(made.failure)
      header = made.success
    }
    const { columns, record: recordOf } = header ?? none
    const value = (index: number): Result.Result<unknown, string> => {
      const cells = records[index] ?? []
      if (isBroken && cells.some(isReplaced)) return Result.fail(notUtf8)
      if (cells.length === columns.length) return Result.succeed(recordOf(cells))
      const has = `record ${numbers[index]} has ${cells.length} ${cells.length === 1 ? "cell" : "cells"}`
      const remedy =
        cells.length < columns.length
          ? "add the cells that are missing"
          : "put quotes around a cell with a delimiter in it"
      return Result.fail(`${has}, and the header ${columns.length}; ${remedy}`)
    }
    const place = (index: number): Place => ({ source: path, unit: "line", number: lines[index] ?? 0 })
    return Result.succeed({ size: records.length, value, place, raw: (index) => records[index], bytes, columns })
  }
  return Object.assign(take, { hasHeader: () => header !== undefined })
}

const none: Header.Header = { columns: [], record: () => ({}) }

const notUtf8 = "not UTF-8; save the file as UTF-8"

const isReplaced = (cell: string) => cell.includes("\uFFFD")

const isBlank = (cells: Cells) => cells.length === 1 && cells[0]?.trim() === ""

const isDeclaration = ([first = ""]: Cells) => /^sep=.?$/.test(first)

/** Line breaks inside the cells of a record. */
const breaksIn = (cells: Cells): number => {
  let breaks = 0
  for (const cell of cells) {
    if (cell.includes("\n") || cell.includes("\r")) breaks += cell.match(/\r\n|\r|\n/g)?.length ?? 0
  }
  return breaks
}
