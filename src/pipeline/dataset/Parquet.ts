/**
 * Parquet files. Their columns have types: where the input is Parquet too, its columns keep their types in the output, and
 * results have the types of their schema. The libraries are loaded only for such files.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Compression } from "./Compression.ts"
import type { Format } from "./Format.ts"

const reader = Effect.promise(() => import("./parquet/Reader.ts"))
const writer = Effect.promise(() => import("./parquet/Writer.ts"))

export const format: Format = {
  endings: [".parquet"],
  values: "cells",
  read: ({ path }) =>
    Stream.unwrap(
      Effect.gen(function* () {
        const { pages } = yield* reader
        return pages(path, (yield* Compression).codecs)
      })
    ),
  write: (lines, { files = [], results: schema } = {}) =>
    Stream.unwrap(
      Effect.gen(function* () {
        const columns = yield* Effect.forEach(files.filter(isParquet), columnsOf)
        const { encode, shapesOf } = yield* writer
        const results = schema === undefined ? new Map() : shapesOf(schema)
        return encode(lines, { columns: columns.flat(), results }, (changes) => Effect.logWarning(changesOf(changes)))
      })
    )
}

const isParquet = (path: string) => path.toLowerCase().endsWith(".parquet")

/** The columns of a file. It may be gone since its rows were read. */
const columnsOf = (path: string) =>
  Effect.flatMap(reader, ({ columns }) => Effect.orElseSucceed(columns(path), () => []))

const changesOf = (changes: ReadonlyArray<string>) =>
  `Parquet cannot keep the types of all columns: ${changes.join("; ")}`
