/**
 * Where content comes from: a file, bytes, an address that the API reads, or a file that was uploaded with the Files API.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import * as Media from "../../claude/Media.ts"
import { ContentInvalid } from "./ContentInvalid.ts"

/** The id of a file that was uploaded with the Files API, as `{ fileId: "file_011C…" }`. */
export interface FileId {
  readonly fileId: string
}

/** An address. The API reads it, so its content is not checked here. */
export type Address = URL | `http://${string}` | `https://${string}`

/** A path, as a text, or one of the other sources. */
export type Source = string | URL | Uint8Array | FileId

/** The content of a file, and what to call it in a message. */
export interface Bytes {
  readonly name: string
  readonly bytes: Uint8Array
}

/** A source that the API takes as it is. */
export type Remote =
  | { readonly type: "url"; readonly url: string }
  | { readonly type: "file"; readonly file_id: string }

/**
 * The most bytes of a file: in Base64, four characters for three bytes, they make a request of 32 MB (Anthropic, "API
 * overview", request size limits, 2026). A longer file is not read.
 */
export const maxBytes = 24 * 1024 * 1024

/** Reads a path. An address or a file id comes back as the source of a block. */
export const open = (source: Source): Effect.Effect<Bytes | Remote, ContentInvalid, FileSystem.FileSystem> => {
  if (source instanceof URL) {
    return isAddress(source.href) ? Effect.succeed({ type: "url", url: source.href }) : unsupportedUrl(source)
  }
  if (source instanceof Uint8Array) return sized({ name: `${source.length} bytes`, bytes: source })
  if (!Predicate.isString(source)) return Effect.succeed({ type: "file", file_id: source.fileId })
  return isAddress(source) ? Effect.succeed({ type: "url", url: source }) : readFile(source)
}

/** Whether a text is an address, and not a path. */
export const isAddress = (source: string): boolean => /^https?:\/\//i.test(source)

/** The last part of a path or an address, without the query of an address. */
export const nameOf = (source: string): string | undefined =>
  (isAddress(source) ? source.replace(/[?#].*$/s, "") : source).split(/[/\\]/).findLast((part) => part !== "")

/** Fails if a path cannot be read later, and more than once. An address is not looked at. */
export const check = (source: string): Effect.Effect<void, ContentInvalid, FileSystem.FileSystem> =>
  isAddress(source)
    ? Effect.void
    : stat(source).pipe(
        Effect.flatMap((type) => (type === "File" ? Effect.void : unreadable(source, noFile))),
        Effect.catchTag("PlatformError", (error) => failed(source, error))
      )

const noFile = "this is a pipe or a device; write its content to a file"

const stat = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const { size, type } = yield* fs.stat(path)
  if (type === "Directory") return yield* unreadable(path, "this is a folder; give the path of a file")
  if (size > maxBytes) return yield* tooLarge(path, Number(size))
  // A pipe has no size.
  if (size === 0n && type === "File") return yield* empty(path)
  return type
})

const readFile = Effect.fnUntraced(
  function* (path: string) {
    const type = yield* stat(path)
    const fs = yield* FileSystem.FileSystem
    // A device may never end.
    const upToLimit = Stream.mkUint8Array(fs.stream(path, { bytesToRead: maxBytes + 1 }))
    return yield* sized({ name: path, bytes: yield* type === "File" ? fs.readFile(path) : upToLimit })
  },
  (read, path) => Effect.catchTag(read, "PlatformError", (error) => failed(path, error))
)

const unreadable = (source: string, detail: string) =>
  Effect.fail(new ContentInvalid({ source, problem: "unreadable", detail }))

const unsupportedUrl = ({ href, protocol }: URL) =>
  Effect.fail(
    new ContentInvalid({
      source: href,
      problem: "type",
      detail:
        protocol === "data:"
          ? "this is a data URL; give its bytes"
          : "the API reads http and https addresses only; give the path of a file, or its bytes"
    })
  )

const tooLarge = (source: string, size: number) =>
  new ContentInvalid({
    source,
    problem: "size",
    detail:
      `${megabytes(size)} are more than a request of 32 MB can carry (${megabytes(maxBytes)} before Base64); split the ` +
      `file, or upload it with the Files API and give its id`
  })

const megabytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MB`

const empty = (source: string) => new ContentInvalid({ source, problem: "size", detail: Media.noContent })

const sized = (file: Bytes): Effect.Effect<Bytes, ContentInvalid> => {
  if (file.bytes.length > maxBytes) return Effect.fail(tooLarge(file.name, file.bytes.length))
  return file.bytes.length > 0 ? Effect.succeed(file) : Effect.fail(empty(file.name))
}

const failed = (source: string, { reason }: PlatformError.PlatformError) => {
  if (/^data:/i.test(source)) return unreadable(source, "this is a data URL; give its bytes")
  if (reason._tag === "NotFound") return unreadable(source, "there is no such file; correct the path")
  if (reason._tag === "PermissionDenied") return unreadable(source, "no permission to read the file; change its mode")
  return unreadable(source, `the file cannot be read (${reason._tag}); correct the path`)
}
