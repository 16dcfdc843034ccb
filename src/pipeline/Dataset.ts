/**
 * Typed rows in and out of files. Rows stream, so a file may be larger than memory. A row that cannot be read is an element
 * of the stream too: it says what to fix, and the other rows follow.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Redact from "../claude/Redact.ts"
import * as Cells from "./dataset/Cells.ts"
import type { DatasetFailed } from "./dataset/DatasetFailed.ts"
import type { EncodedPage } from "./dataset/Format.ts"
import * as Inputs from "./dataset/Inputs.ts"
import * as Issue from "./dataset/Issue.ts"
import { type Place, RowInvalid } from "./dataset/Place.ts"
import * as Sources from "./dataset/Sources.ts"
import * as Page from "./Page.ts"
import * as ResultLine from "./ResultLine.ts"

export { Compression, CompressionFailed, type Kind as CompressionKind } from "./dataset/Compression.ts"
export { DatasetFailed } from "./dataset/DatasetFailed.ts"
export type { EncodedPage } from "./dataset/Format.ts"
export { named as sourceOf } from "./dataset/Inputs.ts"
export { at, Place, RowInvalid } from "./dataset/Place.ts"
export { type Open as OpenSource, type Source, Sources } from "./dataset/Sources.ts"
export { write, type Writer, writeLines } from "./dataset/Writer.ts"

/** How the input has a row: `cells` of a table, a value in `json` form, or a `value` of the program. */
export type Form = "cells" | "json" | "value"

/** A row that fits its schema. */
export interface Valid<A> {
  readonly form: Form
  readonly value: A
  /** As the input has it. */
  readonly encoded: unknown
  readonly place: Place
}

/** A row, or the reason that it cannot be read. */
export type Row<A> = Result.Result<Valid<A>, RowInvalid>

/** Named rows of one schema. Each run of `rows` and of `pages` reads them again. */
export interface Dataset<out A, out E = DatasetFailed, out R = FileSystem.FileSystem> {
  readonly name: string
  /** The file, if the rows come from a single one. */
  readonly path?: string
  /** The files that the rows come from. */
  readonly files: Effect.Effect<ReadonlyArray<string>, DatasetFailed, FileSystem.FileSystem>
  readonly schema: Schema.ConstraintDecoder<A, R>
  readonly rows: Stream.Stream<Row<A>, E, R>
  readonly pages: Stream.Stream<Page.Page<A, R>, E, R>
}

/**
 * The rows of a file, in the format of its ending. They are in the JSON form of the schema: a date is a text. The output
 * of a job can be read with the schema of its results. A pattern, such as `data/*.csv`, names several files, and a folder
 * has a row for each text file in it: `{ path, text }`.
 */
export const fromFile = <A, R>(
  schema: Schema.ConstraintDecoder<A, R>,
  path: string
): Dataset<A, DatasetFailed, R | FileSystem.FileSystem> => fromFiles(schema, [path])

/** The rows of several files, one file after the other. */
export const fromFiles = <A, R>(
  schema: Schema.ConstraintDecoder<A, R>,
  paths: ReadonlyArray<string>
): Dataset<A, DatasetFailed, R | FileSystem.FileSystem> => {
  const decode = { cells: decodeForm(schema, "cells"), json: decodeForm(schema, "json") }
  const sources = Effect.map(Effect.forEach(paths, Inputs.resolve), (sources) => sources.flat())
  const pages = Stream.flatMap(Stream.fromIterableEffect(sources), ({ pages, values }) =>
    Stream.map(pages, (page) => {
      const form = values === "cells" ? "cells" : "json"
      return pageOf(form, decode[form], page)
    })
  )
  const single = paths.length === 1 ? paths.find(Inputs.isFile) : undefined
  const files = Effect.map(sources, (sources) => sources.flatMap(({ path }) => path ?? []))
  return make<A, DatasetFailed, R | FileSystem.FileSystem>(
    { name: paths.map(Sources.nameOf).join(", "), ...(single !== undefined && { path: single }), files, schema },
    pages
  )
}

/**
 * The rows of an iterable of encoded values, such as an array. An iterable that can be iterated only once, such as a
 * generator, must come as a function that makes it: a job reads its rows twice.
 */
export const fromIterable = <A, R>(
  name: string,
  schema: Schema.ConstraintDecoder<A, R>,
  values: Iterable<unknown> | (() => Iterable<unknown>)
): Dataset<A, never, R> => {
  const decode = decodeForm(schema, "value")
  const valuesOf = (values: ReadonlyArray<unknown>, page: number) => {
    const place = (index: number): Place => ({ source: name, unit: "row", number: page * pageSize + index + 1 })
    const value = (index: number) => Result.succeed(values[index])
    return pageOf("value", decode, { size: values.length, value, place, raw: () => undefined, bytes: undefined })
  }
  const all = Stream.suspend(() => Stream.fromIterable(typeof values === "function" ? values() : values))
  return make({ name, files: Effect.succeed([]), schema }, Stream.map(Stream.grouped(all, pageSize), valuesOf))
}

/** Values of an iterable that make a page. */
const pageSize = 256

const make = <A, E, R>(
  named: Pick<Dataset<A, E, R>, "name" | "path" | "files" | "schema">,
  pages: Stream.Stream<Page.Page<A, R>, E, R>
): Dataset<A, E, R> => ({
  ...named,
  // A stream in a stream would keep the rows of a page longer than a collection of young objects.
  rows: Stream.flattenArray(Stream.filter(Stream.mapEffect(pages, Page.decode), Arr.isReadonlyArrayNonEmpty)),
  pages
})

/** A dataset of the same schema that reads other files. */
export const withFiles = <A, E, R>(
  dataset: Dataset<A, E, R>,
  paths: ReadonlyArray<string>
): Dataset<A, DatasetFailed, R | FileSystem.FileSystem> => fromFiles(dataset.schema, paths)

/** The columns of an input, if it names them before its rows, as CSV does; otherwise undefined. */
export const columns = <A, E, R>({ pages }: Pick<Dataset<A, E, R>, "pages">) =>
  Effect.map(Stream.runHead(pages), (page) => Option.getOrUndefined(page)?.columns)

/** Decodes rows of one form. */
export const decodeForm = <A, R>(
  schema: Schema.ConstraintDecoder<A, R>,
  form: Form
): ((encoded: unknown) => Effect.Effect<A, Schema.SchemaError, R>) => {
  if (form === "value") return Schema.decodeUnknownEffect(schema, { errors: "all", reportInput: true })
  const decode = ResultLine.decode(schema)
  if (form === "json") return decode
  const fit = Cells.fit(schema)
  return (row) => decode(fit(row))
}

const pageOf = <A, R>(
  form: Form,
  decode: (value: unknown) => Effect.Effect<A, Schema.SchemaError, R>,
  page: EncodedPage
): Page.Page<A, R> => ({
  size: page.size,
  decode: (index) => rowOf(form, decode, page.place(index), page.value(index)),
  place: page.place,
  raw: (index) => Result.getOrElse(page.value(index), () => page.raw(index)),
  bytes: page.bytes,
  columns: page.columns
})

/** Decodes a value. It takes no step of a fiber unless the schema does, since inputs have millions of rows. */
const rowOf = <A, R>(
  form: Form,
  decode: (value: unknown) => Effect.Effect<A, Schema.SchemaError, R>,
  place: Place,
  encoded: Result.Result<unknown, string>
): Effect.Effect<Row<A>, never, R> => {
  const refuse = (detail: string): Row<A> => Result.fail(new RowInvalid({ place, detail: Redact.redact(detail) }))
  if (Result.isFailure(encoded)) return Effect.succeed(refuse(encoded.failure))
  return Effect.matchEager(decode(encoded.success), {
    onSuccess: (value): Row<A> => Result.succeed({ form, value, encoded: encoded.success, place }),
    onFailure: ({ issue }) => refuse(Issue.describe(issue))
  })
}
