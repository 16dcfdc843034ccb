/**
 * A folder of text files: each file is a row with its path below the folder, and its text. An image or a PDF has no text:
 * its row is the path.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Result from "effect/Result"
import * as Bytes from "effect/Bytes"
import * as Stream from "effect/Stream"
import * as ImageType from "../../claude/ImageType.ts"
import { DatasetFailed, fromPlatform } from "./DatasetFailed.ts"
import type { EncodedPage } from "./Format.ts"
import * as Formats from "./Formats.ts"
import * as Head from "./Head.ts"
import type { Place } from "./Place.ts"

/** Files that make a page. */
const pageSize = 32

const columns = ["path", "text"]

/** The rows of a folder, in the order of their paths. Files whose names begin with a dot are left out. */
export const pages = (folder: string) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const failed = Effect.mapError(fs.glob("**/*", { root: folder }), (error) => fromPlatform(folder, error))
      const inside = (yield* failed).filter((path) => path !== "" && path !== ".")
      const table = inside.find(Formats.isKnown)
      if (table !== undefined) {
        const detail = `this folder has files of rows, such as ${table}, and not only texts; name them: "${folder.replace(/\/$/, "")}/*${/\.\w+$/.exec(table)?.[0] ?? ""}"`
        return yield* new DatasetFailed({ path: folder, detail })
      }
      const files = Stream.filterEffect(Stream.fromIterable(inside), (path) =>
        Effect.match(fs.stat(`${folder}/${path}`), { onFailure: () => true, onSuccess: ({ type }) => type === "File" })
      )
      const read = (path: string) => {
        const file = `${folder.replace(/\/$/, "")}/${path}`
        return Effect.mapBoth(fs.readFile(file), {
          onSuccess: (bytes): TextFile => ({ path, file, bytes }),
          onFailure: (error) => fromPlatform(file, error)
        })
      }
      return files.pipe(
        Stream.mapEffect(read),
        Stream.grouped(pageSize),
        Stream.mapAccum(
          () => 0,
          (first, files) => [first + files.length, [pageOf(first, files)]]
        )
      )
    })
  )

interface TextFile {
  readonly path: string
  /** The path of the file, with that of the folder. */
  readonly file: string
  readonly bytes: Uint8Array
}

const pageOf = (first: number, files: ReadonlyArray<TextFile>): EncodedPage => {
  const value = (index: number): Result.Result<unknown, string> => {
    const { bytes, path } = files[index] ?? missing
    if (isMedia(bytes)) return Result.succeed({ path })
    const problem = Head.problemOf(bytes)
    if (problem !== undefined) return Result.fail(problem)
    return Result.try({ try: () => ({ path, text: utf8.decode(bytes) }), catch: () => "not UTF-8; save it as UTF-8" })
  }
  const place = (index: number): Place => ({
    source: files[index]?.file ?? "",
    unit: "file",
    number: first + index + 1
  })
  const encoder = new TextEncoder()
  const bytes = Bytes.concat(files.flatMap(({ bytes, path }) => [encoder.encode(`${path} ${bytes.length}\n`), bytes]))
  return { size: files.length, value, place, raw: (index) => ({ path: files[index]?.path }), bytes, columns }
}

const isMedia = (bytes: Uint8Array) => ImageType.of(bytes) !== undefined || start(bytes) === "%PDF-"

const start = (bytes: Uint8Array) => String.fromCharCode(...bytes.subarray(0, 5))

const missing: TextFile = { path: "", file: "", bytes: new Uint8Array() }

const utf8 = new TextDecoder("utf-8", { fatal: true })
