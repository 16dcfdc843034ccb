/**
 * The files that a row names in the columns of `--file`: paths or addresses of images, PDFs and texts. A cell may hold a
 * list of them. A path is relative to the folder of the data. A file is read when its row runs, and again in each run that
 * checks the row, so a changed file is a changed request.
 */
import { dirname, isAbsolute, join } from "node:path"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Content from "../../call/Content.ts"
import * as Dataset from "../../pipeline/Dataset.ts"
import * as Columns from "./Columns.ts"
import * as Template from "./Template.ts"

/** The columns with files, and the folder of their paths. */
export interface Attachments {
  readonly columns: ReadonlyArray<string>
  readonly folder: string
}

/** The files of columns of an input. */
export const make = (columns: ReadonlyArray<string>, data: string): Attachments => ({ columns, folder: folderOf(data) })

/** The folder of a file, of a pattern up to its first wildcard, or of texts; the working folder of any other input. */
const folderOf = (data: string): string => {
  if (data === "-" || /^\w+:/.test(data)) return "."
  const [plain = ""] = data.split(/[*?[{]/, 1)
  return plain !== data || isFile(data) ? dirname(`${plain}.`) : data
}

/** The content of a row, in the order of the columns. Fails with the path of a file, and what to do. */
export const content = (
  attachments: Attachments,
  row: Template.Row
): Effect.Effect<ReadonlyArray<Content.Block>, Content.ContentInvalid, FileSystem.FileSystem> =>
  Effect.forEach(filesOf(attachments, row), ({ source }) => Content.file(source))

/**
 * The first problem of the files of a row, without reading them: a cell without a file, a file that is not there, or an
 * address whose ending does not show its type.
 */
export const check = Effect.fnUntraced(function* (attachments: Attachments, row: Template.Row) {
  for (const column of attachments.columns) {
    const found = Template.find(row, column)
    const path = [plainName(column)]
    if (Option.isNone(found)) return { path, issue: "Missing key" }
    if (!Template.isOptional(column) && namesOf(found.value).length === 0) {
      return { path, issue: `names no file; write its path, or --file "${plainName(column)}?" for rows without one` }
    }
  }
  for (const { column, source } of filesOf(attachments, row)) {
    const problem = yield* Effect.result(isAddress(source) ? checkAddress(source) : Content.check(source))
    if (Result.isFailure(problem)) return { path: [column], issue: problem.failure.message }
  }
  return undefined
})

/** Nothing is read for an address: its type is in its ending. */
const checkAddress = (source: string) =>
  Effect.mapError(Content.file(source), (error) => new Content.ContentInvalid({ ...error, detail: noEnding }))

const noEnding = "the ending shows no image and no PDF; download it, and write its path"

/**
 * How many rows may wait for an answer at once, so that their files take about half a gigabyte: each row keeps its request
 * until then, and as many rows again are read ahead. The files of the given rows show how large files are.
 */
export const rowsAtOnce = Effect.fnUntraced(function* (attachments: Attachments, rows: ReadonlyArray<Template.Row>) {
  const fs = yield* FileSystem.FileSystem
  const files = rows.flatMap((row) => filesOf(attachments, row)).filter(({ source }) => !isAddress(source))
  const sizes = yield* Effect.forEach(files, ({ source }) =>
    Effect.orElseSucceed(
      Effect.map(fs.stat(source), ({ size }) => Number(size)),
      () => 0
    )
  )
  const perRow = (sizes.reduce((sum, size) => sum + size, 0) * 4) / 3 / Math.max(1, rows.length)
  return Math.max(leastRows, Math.floor(memory / 2 / Math.max(1, perRow)))
})

/** In bytes. */
const memory = 5e8

const leastRows = 8

const filesOf = ({ columns, folder }: Attachments, row: Template.Row) =>
  columns.flatMap((column) =>
    namesOf(Option.getOrNull(Template.find(row, column))).map((name) => ({
      column: plainName(column),
      source: isAddress(name) || isAbsolute(name) ? name : join(folder, name)
    }))
  )

const namesOf = (value: unknown): ReadonlyArray<string> =>
  (Array.isArray(value) ? value : [value])
    .map((name) => (Predicate.isString(name) ? name.trim() : Template.textOf(name)))
    .filter((name) => name !== "")

const plainName = (column: string) => column.trim().replace(/\?$/, "")

const isFile = (data: string) => Dataset.fromFile(Columns.Row, data).path !== undefined

const isAddress = (name: string) => /^https?:\/\//i.test(name)
