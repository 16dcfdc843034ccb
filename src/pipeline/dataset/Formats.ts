/**
 * All file formats, the one of a path, and the content of a file without its compression.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Stream from "effect/Stream"
import * as Compression from "./Compression.ts"
import * as Csv from "./Csv.ts"
import * as DatasetFailed from "./DatasetFailed.ts"
import type { Format, InputFile } from "./Format.ts"
import * as Json from "./Json.ts"
import * as Ndjson from "./Ndjson.ts"
import * as Parquet from "./Parquet.ts"

const formats: ReadonlyArray<Format> = [Ndjson.format, Json.format, Csv.csv, Csv.tsv, Parquet.format]

const endings = formats.flatMap((format) => format.endings)

const find = (path: string) => {
  const ending = endingOf(path)
  return formats.find(({ endings }) => endings.includes(ending.toLowerCase()))
}

const endingOf = (path: string) => /\.[^./\\]*$/.exec(Compression.of(path).inner)?.[0] ?? ""

/** Whether a path ends as the files of a format do. */
export const isKnown = (path: string): boolean => find(path) !== undefined

/** The format of a path, by its ending before that of a compression. */
export const of = (path: string): Effect.Effect<Format, DatasetFailed.DatasetFailed> => {
  const format = find(path)
  if (format === Parquet.format && Compression.of(path).kind !== undefined) return fail(path, compressedParquet)
  if (format !== undefined) return Effect.succeed(format)
  const ending = endingOf(path)
  const remedy = spreadsheets.has(ending.toLowerCase())
    ? "save the sheet as CSV (UTF-8), or use another file"
    : "use a file"
  return fail(path, `"${ending}" is not supported; ${remedy} that ends in ${endings.join(", ")}, also with .gz or .zst`)
}

/** A program that makes them saves other formats, too. */
const spreadsheets: ReadonlySet<string> = new Set([".xlsx", ".xls", ".xlsm", ".ods", ".numbers"])

const fail = (path: string, detail: string) => Effect.fail(new DatasetFailed.DatasetFailed({ path, detail }))

const compressedParquet =
  "a Parquet file is compressed inside, and read at any position; use one that ends in .parquet, without another compression"

/** Bytes of a chunk. The rows of a larger chunk outlive the young generation, and each collection copies them. */
const chunkSize = 32 * 1024

/** The file of a path. */
export const open = (path: string): InputFile => {
  const { kind } = Compression.of(path)
  const stored = Stream.unwrap(
    Effect.map(FileSystem.FileSystem, (fs) =>
      Stream.mapError(fs.stream(path, { chunkSize }), (error) => DatasetFailed.fromPlatform(path, error))
    )
  )
  if (kind === undefined) return { path, isCompressed: false, bytes: stored }
  const bytes = Stream.unwrap(
    Effect.map(Compression.Compression, ({ decompress }) =>
      Stream.catchTag(decompress(kind, stored), "CompressionFailed", ({ detail }) =>
        Stream.fail(new DatasetFailed.DatasetFailed({ path, detail }))
      )
    )
  )
  return { path, isCompressed: true, bytes }
}
