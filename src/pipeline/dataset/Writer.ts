/**
 * Writes lines of JSON to a file: appends them as they come, or replaces all of them at once.
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
import * as Formats from "./Formats.ts"
import * as Ndjson from "./Ndjson.ts"

/** Writes lines to a file. */
export interface Writer {
  /** The size of the file in bytes. */
  readonly size: Effect.Effect<number, DatasetFailed.DatasetFailed>
  /** Replaces the content of the file with these lines. If that fails, the file stays as it was. */
  readonly replaceWith: <E, R>(
    lines: Stream.Stream<string, E, R>
  ) => Effect.Effect<void, E | DatasetFailed.DatasetFailed, R>
  /** Appends whole lines with one write. Once this returns, they survive the process. */
  readonly append: (lines: ReadonlyArray<string>) => Effect.Effect<void, DatasetFailed.DatasetFailed>
}

/** Opens a file for lines, and creates it and its folders, so that a path that cannot be written fails at the start. */
export const writeLines = Effect.fn("Dataset.writeLines")(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const { dirname } = yield* Path.Path
  const failed = Effect.mapError((error: PlatformError) => DatasetFailed.fromPlatform(path, error))
  const format = yield* Formats.of(path)
  if (format !== Ndjson.format || Compression.of(path).kind !== undefined) {
    const detail = `lines can be appended to ${Ndjson.format.endings.join(" and ")} only; use such a file`
    return yield* new DatasetFailed.DatasetFailed({ path, detail })
  }
  yield* failed(makeFolder(dirname(path)))
  const open = failed(fs.open(path, { flag: "a" }))
  const file = yield* ScopedRef.fromAcquire(open)
  const one = Semaphore.makeUnsafe(1)
  const draft = `${path}.tmp`

  const size = Effect.flatMap(ScopedRef.get(file), (opened) =>
    failed(Effect.map(opened.stat, ({ size }) => Number(size)))
  )
  const replaceWith: Writer["replaceWith"] = (lines) =>
    lines.pipe(
      format.write,
      Stream.run(Sink.mapError(fs.sink(draft), (error) => DatasetFailed.fromPlatform(path, error))),
      Effect.onError(() => Effect.ignore(fs.remove(draft))),
      Effect.andThen(Effect.uninterruptible(Effect.andThen(failed(fs.rename(draft, path)), ScopedRef.set(file, open)))),
      one.withPermit
    )
  const append: Writer["append"] = (lines) =>
    Effect.flatMap(ScopedRef.get(file), (opened) => failed(opened.writeAll(Ndjson.encode(lines)))).pipe(
      Effect.uninterruptible,
      one.withPermit
    )
  return { size, replaceWith, append } satisfies Writer
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
