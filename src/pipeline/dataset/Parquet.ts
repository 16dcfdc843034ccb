/**
 * Parquet files. Their columns have types: where the input is Parquet too, its columns keep their types in the output. The
 * libraries are loaded only for such files.
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
  write: (lines, source) =>
    Stream.unwrap(
      Effect.gen(function* () {
        const known = source?.toLowerCase().endsWith(".parquet") === true ? yield* (yield* reader).columns(source) : []
        const { encode } = yield* writer
        return encode(lines, known, (changes) => Effect.logWarning(changesOf(changes)))
      })
    )
}

const changesOf = (changes: ReadonlyArray<string>) =>
  `Parquet cannot keep the types of all columns: ${changes.join("; ")}`
