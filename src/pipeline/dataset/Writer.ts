/**
 * Writes lines of JSON to a file, in the format of its ending. Lines can be appended to NDJSON. A file in any other format is
 * written as a whole: its first bytes depend on all lines, or its last bytes close it.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as ScopedRef from "effect/ScopedRef"
import * as Semaphore from "effect/Semaphore"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import * as Compression from "./Compression.ts"
import * as DatasetFailed from "./DatasetFailed.ts"
import type { Known } from "./Format.ts"
import * as Formats from "./Formats.ts"
import * as Ndjson from "./Ndjson.ts"

/** Writes lines to a file. */
export interface Writer {
  /** The size of the file in bytes; 0 if there is none. */
  readonly size: Effect.Effect<number, DatasetFailed.DatasetFailed>
  /**
   * Replaces the content of the file with these lines, which may run twice. If that fails, the file stays as it was.
   */
  readonly replaceWith: <E, R>(
    lines: Stream.Stream<string, E, R>,
    known?: Known
  ) => Effect.Effect<void, E | DatasetFailed.DatasetFailed, R | FileSystem.FileSystem>
  /** Whether `append` writes. A file in another format than NDJSON has the lines of `replaceWith` only. */
  readonly isLive: boolean
  /** Appends whole lines with one write. Once this returns, they survive the process. */
  readonly append: (lines: ReadonlyArray<string>) => Effect.Effect<void, DatasetFailed.DatasetFailed>
}

/**
 * Opens a file for lines, and creates its folders, so that a path that cannot be written fails at the start. It creates the
 * file if lines can be appended to it.
 */
export const writeLines = Effect.fn("Dataset.writeLines")(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const { dirname } = yield* Path.Path
  const failed = Effect.mapError((error: PlatformError) => DatasetFailed.fromPlatform(path, error))
  const format = yield* Formats.of(path)
  const compressed = yield* compressing(path)
  const isLive = format === Ndjson.format && Compression.of(path).kind === undefined
  yield* Stream.runDrain(compressed(Stream.empty))
  yield* failed(makeFolder(dirname(path)))
  const draft = `${path}.tmp`
  const open = failed(fs.open(path, { flag: "a" }))
  const exists = failed(fs.exists(path))
  if (!isLive) yield* Effect.scoped((yield* exists) ? open : failed(fs.open(draft, { flag: "w" })))
  if (!isLive) yield* Effect.ignore(fs.remove(draft))
  const file = yield* ScopedRef.fromAcquire(isLive ? open : Effect.undefined)
  const one = Semaphore.makeUnsafe(1)

  const sizeNow = Effect.map(failed(fs.stat(path)), ({ size }) => Number(size))
  const size = Effect.flatMap(exists, (exists) => (exists ? sizeNow : Effect.succeed(0)))
  const replaceWith: Writer["replaceWith"] = (lines, known) =>
    compressed(format.write(lines, known)).pipe(
      Stream.run(Sink.mapError(fs.sink(draft), (error) => DatasetFailed.fromPlatform(path, error))),
      Effect.onError(() => Effect.ignore(fs.remove(draft))),
      Effect.andThen(
        Effect.uninterruptible(
          Effect.andThen(failed(fs.rename(draft, path)), isLive ? ScopedRef.set(file, open) : Effect.void)
        )
      ),
      one.withPermit
    )
  const append: Writer["append"] = (lines) =>
    Effect.flatMap(ScopedRef.get(file), (opened) =>
      opened === undefined ? Effect.void : failed(opened.writeAll(Ndjson.encode(lines)))
    ).pipe(Effect.uninterruptible, one.withPermit)
  return { size, replaceWith, isLive, append } satisfies Writer
})

/**
 * Writes lines as a whole file, in the format of its ending, and replaces a file that is there. The lines may run twice. If
 * it fails, the file stays as it was.
 */
export const write = Effect.fn("Dataset.write")(function* <E, R>(
  path: string,
  lines: Stream.Stream<string, E, R>,
  known?: Known
) {
  const { replaceWith } = yield* writeLines(path)
  yield* replaceWith(lines, known)
}, Effect.scoped)

/** The compression of a path. */
const compressing = Effect.fnUntraced(function* (path: string) {
  const { compress } = yield* Compression.Compression
  const { kind } = Compression.of(path)
  return <E, R>(
    bytes: Stream.Stream<Uint8Array, E, R>
  ): Stream.Stream<Uint8Array, E | DatasetFailed.DatasetFailed, R> =>
    kind === undefined
      ? bytes
      : Stream.mapError(compress(kind, bytes), (error) =>
          error instanceof Compression.CompressionFailed
            ? new DatasetFailed.DatasetFailed({ path, detail: error.detail })
            : error
        )
})

/** Creates a folder and its parents. Node's recursive `mkdir` never returns where the system answers ENOENT (/proc). */
const makeFolder: (folder: string) => Effect.Effect<void, PlatformError, FileSystem.FileSystem | Path.Path> =
  Effect.fnUntraced(function* (folder) {
    const fs = yield* FileSystem.FileSystem
    const { dirname } = yield* Path.Path
    const isFolder = Effect.isSuccess(Effect.filterOrFail(fs.stat(folder), ({ type }) => type === "Directory"))
    if (yield* isFolder) return
    yield* makeFolder(dirname(folder))
    yield* Effect.catch(fs.makeDirectory(folder), (error) =>
      Effect.flatMap(isFolder, (exists) => (exists ? Effect.void : Effect.fail(error)))
    )
  })
