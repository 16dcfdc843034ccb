/**
 * Reads and writes gzip and zstd with Node's zlib: all members of a gzip file, and all frames of a zstd file.
 */
import { pipeline, Readable, type Transform } from "node:stream"
import * as zlib from "node:zlib"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Dataset from "../pipeline/Dataset.ts"
import * as ErrorText from "./ErrorText.ts"
import * as ZstdFrames from "./nodeCompression/ZstdFrames.ts"

type Bytes = AsyncIterable<Uint8Array>

/** Files that end in `.gz` and `.zst` are read and written. */
export const layer: Layer.Layer<never> = Layer.succeed(Dataset.Compression, {
  decompress: (kind, bytes) => through(bytes, kind === "gzip" ? (source) => pipe(source, zlib.createGunzip()) : unzstd),
  compress: (kind, bytes) =>
    through(bytes, (source) => pipe(source, kind === "gzip" ? zlib.createGzip() : zlib.createZstdCompress())),
  codecs: { GZIP: zlib.gunzipSync, ZSTD: zlib.zstdDecompressSync, BROTLI: zlib.brotliDecompressSync }
})

/** The content of the frames, one after the other. */
async function* unzstd(source: Bytes): Bytes {
  const parts = partsOf(source)
  // Leaving the loop over a frame must not end the parts.
  const rest = { [Symbol.asyncIterator]: () => ({ next: () => parts.next() }) }
  for await (const first of parts) yield* pipe(frameOf(first, rest), zlib.createZstdDecompress())
}

async function* frameOf(first: ZstdFrames.Part, rest: AsyncIterable<ZstdFrames.Part>): Bytes {
  yield first.bytes
  if (first.isLast) return
  for await (const { bytes, isLast } of rest) {
    yield bytes
    if (isLast) return
  }
}

async function* partsOf(source: Bytes): AsyncGenerator<ZstdFrames.Part> {
  const { end, take } = ZstdFrames.walk()
  for await (const chunk of source) yield* take(chunk)
  end()
}

/** What comes out of a transform. An error of the source comes out too. */
const pipe = (source: Bytes, transform: Transform): Bytes =>
  pipeline(Readable.from(source, { objectMode: false }), transform, () => undefined)

/** Sends a stream through code that iterates it. A failure of the stream stays as it is. */
const through = <E, R>(bytes: Stream.Stream<Uint8Array, E, R>, transform: (source: Bytes) => Bytes) =>
  Stream.suspend(() => {
    const failures: Array<E> = []
    const noted = Stream.tapError(bytes, (error) => Effect.sync(() => failures.push(error)))
    return Stream.unwrap(
      Effect.map(Stream.toAsyncIterableEffect(noted), (source) =>
        Stream.fromAsyncIterable<Uint8Array, E | Dataset.CompressionFailed>(transform(source), (error) => {
          const [failure] = failures
          return failure ?? new Dataset.CompressionFailed({ detail: explain(error) })
        })
      )
    )
  })

const explain = (error: unknown): string => {
  if (error instanceof ZstdFrames.ZstdInvalid) return error.message
  const message = ErrorText.of(error)
  if (/unexpected end of file/.test(message)) return ZstdFrames.truncated
  return `${message}: it is damaged, or has other bytes after its end; fetch it or make it again`
}
