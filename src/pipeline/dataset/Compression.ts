/**
 * Compresses and decompresses the bytes of files, by their endings `.gz` and `.zst`. It needs Node's zlib, so the library
 * has the interface only: `NodeCompression.layer` of `effect-claude/node` does the work, and the command line provides it.
 */
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

/** The form of compressed bytes. */
export type Kind = "gzip" | "zstd"

/** Bytes that cannot be decompressed or compressed. */
export class CompressionFailed extends Schema.TaggedError<CompressionFailed>()("CompressionFailed", {
  /** What is wrong, and what to do. */
  detail: Schema.String
}) {
  override get message() {
    return this.detail
  }
}

/** Compresses and decompresses streams. */
export interface Service {
  /** The content of all members or frames. It fails where bytes are missing at the end, or are too many. */
  readonly decompress: <E, R>(
    kind: Kind,
    bytes: Stream.Stream<Uint8Array, E, R>
  ) => Stream.Stream<Uint8Array, E | CompressionFailed, R>
  readonly compress: <E, R>(
    kind: Kind,
    bytes: Stream.Stream<Uint8Array, E, R>
  ) => Stream.Stream<Uint8Array, E | CompressionFailed, R>
  /** Decompress the pages of Parquet files, by Parquet's names. Snappy needs none. */
  readonly codecs: Readonly<Partial<Record<"GZIP" | "ZSTD" | "BROTLI", (page: Uint8Array) => Uint8Array>>>
}

const absent = (kind: Kind) => {
  const detail = `${kind} needs NodeCompression.layer of effect-claude/node; provide it, or use a file without compression`
  return Stream.fail(new CompressionFailed({ detail }))
}

/** The compression of the running fiber. */
export const Compression: Context.Reference<Service> = Context.Reference("effect-claude/Compression", {
  defaultValue: (): Service => ({ decompress: absent, compress: absent, codecs: {} })
})

const kinds: Readonly<Record<string, Kind>> = { ".gz": "gzip", ".zst": "zstd" }

/** The compression of a path, and the path without its ending: `rows.csv` for `rows.csv.gz`. */
export const of = (path: string): { readonly kind: Kind | undefined; readonly inner: string } => {
  const ending = /\.[^./\\]*$/.exec(path)?.[0] ?? ""
  const kind = kinds[ending.toLowerCase()]
  return { kind, inner: kind === undefined ? path : path.slice(0, -ending.length) }
}
