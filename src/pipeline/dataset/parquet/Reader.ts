/**
 * Reads a Parquet file, a row group at a time and only the parts of the file that it needs: memory follows the largest row
 * group. The values come as the file stores them, without the conversions of hyparquet, which round decimals and
 * timestamps.
 */
import { parquetMetadataAsync, parquetScan, parquetSchema } from "hyparquet"
import type { AsyncBuffer, Compressors, FileMetaData, SchemaElement } from "hyparquet"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as DatasetFailed from "../DatasetFailed.ts"
import type { EncodedPage } from "../Format.ts"
import * as Column from "./Column.ts"

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
      const schema = metadata.schema.map(stored)
      const reading = {
        file,
        metadata: { ...metadata, schema },
        utf8: false,
        parsers,
        compressors,
        useOffsetIndex: false
      }
      const scan = yield* attempt(path, () => parquetScan(reading))
      return Stream.fromIterable(scan.ranges).pipe(
        Stream.mapEffect(({ rowEnd, rowStart }) =>
          Effect.map(
            attempt(path, () =>
              Promise.all(columns.map(({ name }) => scan.readColumn({ column: name, rowStart, rowEnd })))
            ),
            (values) => ({ values, rowStart, size: rowEnd - rowStart })
          )
        ),
        Stream.flatMap((group) =>
          Stream.fromIterable(
            Arr.makeBy(Math.ceil(group.size / pageSize), (page) => pageOf(path, columns, group, page * pageSize))
          )
        )
      )
    })
  )

const pageSize = 256

/** The columns of a row group, from the row `rowStart` of the file. */
interface Group {
  readonly values: ReadonlyArray<ArrayLike<unknown>>
  readonly rowStart: number
  readonly size: number
}

const pageOf = (
  path: string,
  columns: ReadonlyArray<Column.Column>,
  { rowStart, size, values }: Group,
  start: number
): EncodedPage => {
  const row = (index: number) =>
    Object.fromEntries(columns.map(({ decode, name }, column) => [name, decode(values[column]?.[start + index])]))
  return {
    size: Math.min(pageSize, size - start),
    value: (index) => Result.succeed(row(index)),
    place: (index) => ({ source: path, unit: "row", number: rowStart + start + index + 1 }),
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
const parsers = { timestampFromNanoseconds: (nanos: bigint) => nanos }

/** An element that hyparquet reads as it is stored. It has to know which bytes are texts, for the keys of maps. */
const stored = (element: SchemaElement): SchemaElement => {
  const { converted_type: converted, logical_type: logical, ...plain } = element
  const isText = converted === "UTF8" || logical?.type === "STRING" || logical?.type === "FLOAT16"
  return element.type === undefined || isText ? element : plain
}

const attempt = <A>(path: string, read: () => Promise<A>) =>
  Effect.tryPromise({ try: read, catch: (error) => new DatasetFailed.DatasetFailed({ path, detail: detailOf(error) }) })

const detailOf = (error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error)
  const [, codec] = /unsupported compression codec: (\w+)/.exec(message) ?? []
  return codec === undefined
    ? `it cannot be read as Parquet (${message}); check that it is complete, or save it in another format`
    : `its columns are compressed by ${codec}, which is not supported; write it with ZSTD, SNAPPY or GZIP`
}
