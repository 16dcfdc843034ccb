/**
 * The error of a file that cannot be read or written as a whole, with what to do.
 */
import type { PlatformError } from "effect/PlatformError"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

/** A file that cannot be read or written as a whole. */
export class DatasetFailed extends Schema.TaggedError<DatasetFailed>()("DatasetFailed", {
  path: Schema.String,
  /** What went wrong, and what to do. */
  detail: Schema.String
}) {
  override get message() {
    return `${this.path}: ${this.detail}`
  }
}

/** The error for what the system answers about a file. */
export const fromPlatform = (path: string, { reason }: PlatformError): DatasetFailed => {
  const code = Predicate.hasProperty(reason.cause, "code") ? String(reason.cause.code) : ""
  return new DatasetFailed({ path, detail: `${remedies[code] ?? reason.message}, or use another file` })
}

/** By the error code of the system. */
const remedies: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file; check the path",
  EISDIR: "this is a folder; use a file in it",
  ENOTDIR: "there is a file where a folder should be; check the path",
  EEXIST: "there is a file where a folder should be; check the path",
  EACCES: "access is denied; change the permissions of the file",
  EPERM: "access is denied; change the permissions of the file",
  ESPIPE: "this is a pipe, and rows are read twice; save them in a file",
  EROFS: "the disk is read-only; make it writable",
  ENOSPC: "there is no space left on the disk; make room and run again"
}
