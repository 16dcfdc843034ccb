/**
 * Reads a Parquet file a page at a time, and a list or a struct a row group at a time: memory follows the largest of them.
 * The values come as the file stores them, without the conversions of hyparquet, which round decimals and
 * timestamps.
 */
import { parquetMetadataAsync, parquetScan, parquetSchema } from "hyparquet"
import type { AsyncBuffer, Compressors, DecodedArray, FileMetaData, SchemaElement } from "hyparquet"
import { DEFAULT_PARSERS } from "hyparquet/src/convert.js"
import { getTreePath, isFlatColumn } from "hyparquet/src/schema.js"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as DatasetFailed from "../DatasetFailed.ts"
import type { EncodedPage } from "../Format.ts"
import * as Column from "./Column.ts"
import * as Values from "./Values.ts"

/** What a reader of the file needs: its content at any place, what it says of itself, and its columns. */
interface Opened {
  readonly file: AsyncBuffer
  readonly metadata: FileMetaData
  readonly columns: ReadonlyArray<Column.Column>
}

/** The columns of a file. */
export const columns = (path: string) => Effect.scoped(Effect.map(open(path), ({ columns }) => columns))

/** The rows of a file. */
export const pages = (
  path: string,
  compressors: Compressors
): Stream.Stream<EncodedPage, DatasetFailed.DatasetFailed, FileSystem.FileSystem> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { columns, file, metadata } = yield* open(path)
      const valuesOf = yield* reading(path, file, metadata, compressors)
      return Stream.flatMap(Stream.fromIterable(groupsOf(metadata)), (group) => {
        const takes = columns.map(({ name }) => valuesOf(group, name))
        const starts = Arr.makeBy(Math.ceil(group.size / pageSize), (page) => page * pageSize)
        return Stream.mapEffect(Stream.fromIterable(starts), (start) => {
          const size = Math.min(pageSize, group.size - start)
          return Effect.map(
            Effect.forEach(takes, (take) => take(size)),
            (values) => pageOf(path, columns, { values, size, rowStart: group.rowStart + start })
          )
        })
      })
    })
  )

/** How the values of a column in a row group are taken. */
const reading = Effect.fnUntraced(function* (
  path: string,
  file: AsyncBuffer,
  { schema, ...metadata }: FileMetaData,
  compressors: Compressors
) {
  const options = { file, metadata: { ...metadata, schema: schema.map(stored) }, utf8: false, parsers, compressors }
  const scan = yield* attempt(path, () => parquetScan({ ...options, useOffsetIndex: false }))
  const tree = parquetSchema(options.metadata)
  return ({ columns, rowStart, size }: Group, name: string): Values.Take<DatasetFailed.DatasetFailed> => {
    const schemaPath = getTreePath(tree, [name])
    const element = schemaPath.at(-1)?.element
    const chunk = columns.find(({ meta_data: meta }) => meta?.path_in_schema[0] === name)
    const meta = chunk?.meta_data
    // hyparquet refuses a column in another file.
    const isHere = chunk?.file_path === undefined
    if (element?.type === undefined || meta === undefined || !isHere || !isFlatColumn(schemaPath)) {
      return whole(attempt(path, () => scan.readColumn({ column: name, rowStart, rowEnd: rowStart + size })))
    }
    // A file without a dictionary for this column may have 0 as its place.
    const start = Number(meta.dictionary_page_offset || meta.data_page_offset)
    const end = start + Number(meta.total_compressed_size)
    const decoder = { ...options, ...meta, pathInSchema: [name], element, schemaPath }
    return Values.make({ file, start, end, decoder, refuse: refusal(path) })
  }
})

const pageSize = 256

/** A row group, from the row `rowStart` of the file. */
interface Group {
  readonly columns: FileMetaData["row_groups"][number]["columns"]
  readonly rowStart: number
  readonly size: number
}

const groupsOf = ({ row_groups: groups }: FileMetaData): ReadonlyArray<Group> => {
  let rowStart = 0
  return groups.map(({ columns, num_rows: rows }) => {
    const group = { columns, rowStart, size: Number(rows) }
    rowStart += group.size
    return group
  })
}

/** Takes the values of a column that is read as a whole: a page of a list or a struct need not begin with a row. */
const whole = <E>(read: Effect.Effect<DecodedArray, E>): Values.Take<E> => {
  let all: DecodedArray | undefined
  let used = 0
  return (count) =>
    Effect.map(all === undefined ? read : Effect.succeed(all), (values) => {
      all = values
      used += count
      return { values, from: used - count }
    })
}

/** Some rows by column, from the row `rowStart` of the file. */
interface Rows {
  readonly values: ReadonlyArray<Values.Part>
  readonly size: number
  readonly rowStart: number
}

const pageOf = (path: string, columns: ReadonlyArray<Column.Column>, { rowStart, size, values }: Rows): EncodedPage => {
  const valueOf = (column: number, index: number) => {
    const part = values[column]
    return part?.values[part.from + index]
  }
  const row = (index: number) =>
    Object.fromEntries(columns.map(({ decode, name }, column) => [name, decode(valueOf(column, index))]))
  return {
    size,
    value: (index) => Result.succeed(row(index)),
    place: (index) => ({ source: path, unit: "row", number: rowStart + index + 1 }),
    raw: row,
    bytes: undefined,
    columns: columns.map(({ name }) => name)
  }
}

const open = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const failed = Effect.mapError((error: Parameters<typeof DatasetFailed.fromPlatform>[1]) =>
    DatasetFailed.fromPlatform(path, error)
  )
  const opened = yield* failed(fs.open(path, { flag: "r" }))
  const { size } = yield* failed(opened.stat)
  const run = Effect.runPromiseWith(yield* Effect.context<never>())
  const read = Effect.fnUntraced(function* (start: number, end: number) {
    const bytes = new Uint8Array(end - start)
    let length = 0
    while (length < bytes.length) {
      const count = yield* opened.read(bytes.subarray(length), { position: BigInt(start + length) })
      if (count === 0) break
      length += Number(count)
    }
    return bytes.buffer
  })
  const file: AsyncBuffer = {
    byteLength: Number(size),
    slice: (start, end = Number(size)) => run(read(start, Math.min(end, Number(size))))
  }
  // The extension of GeoParquet would make other values of plain bytes.
  const metadata = yield* attempt(path, () => parquetMetadataAsync(file, { geoparquet: false }))
  const columns = parquetSchema(metadata).children.map(Column.of)
  return { file, metadata, columns } satisfies Opened
})

/** Values of hyparquet's own making. */
const parsers = { ...DEFAULT_PARSERS, timestampFromNanoseconds: (nanos: bigint) => nanos }

/** An element that hyparquet reads as it is stored. It has to know which bytes are texts, for the keys of maps. */
const stored = (element: SchemaElement): SchemaElement => {
  const { converted_type: converted, logical_type: logical, ...plain } = element
  const isText = converted === "UTF8" || logical?.type === "STRING" || logical?.type === "FLOAT16"
  return element.type === undefined || isText ? element : plain
}

const attempt = <A>(path: string, read: () => Promise<A>) => Effect.tryPromise({ try: read, catch: refusal(path) })

const refusal = (path: string) => (error: unknown) => new DatasetFailed.DatasetFailed({ path, detail: detailOf(error) })

const detailOf = (error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error)
  const [, codec] = /unsupported compression codec: (\w+)/.exec(message) ?? []
  return codec === undefined
    ? `it cannot be read as Parquet (${message}); check that it is complete, or save it in another format`
    : `its columns are compressed by ${codec}, which is not supported; write it with ZSTD, SNAPPY or GZIP`
}
