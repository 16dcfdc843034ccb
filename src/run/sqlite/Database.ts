/**
 * Opens SQLite files with `node:sqlite`, and translates its errors into messages that say what to do.
 */
import { closeSync, existsSync, openSync, readSync } from "node:fs"
import type { DatabaseSync } from "node:sqlite"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { classifySqliteError, SqlError } from "effect/sql/SqlError"

/** The file cannot be used: no database, no permission, no space. */
export class SqliteFailed extends Schema.TaggedError<SqliteFailed>()("SqliteFailed", {
  path: Schema.String,
  /** SQLite's result code, or the code of the system (`EACCES`). */
  code: Schema.optionalKey(Schema.Union([Schema.Int, Schema.String])),
  /** What went wrong and what to do. */
  detail: Schema.String
}) {
  override get message() {
    return `${this.path}: ${this.detail}`
  }
}

/** Opens a file until the scope closes. The timeout is set at opening, because switching to WAL needs it. */
export const open = (path: string) =>
  Effect.acquireRelease(
    attempt(path, () => new (nodeSqlite().DatabaseSync)(path, { timeout: 5000 })),
    (database) => Effect.sync(() => database.close())
  )

/** Opens a file, reads something from it, and closes it. */
export const look = <A>(path: string, f: (database: DatabaseSync) => A) =>
  open(path).pipe(
    Effect.flatMap((database) => attempt(path, () => f(database))),
    Effect.scoped
  )

/** Fails if the file exists and is no database. It reads the first bytes, without SQLite, and leaves no trace. */
export const checkHeader = (path: string) =>
  attempt(path, () => {
    if (!existsSync(path)) return
    const file = openSync(path, "r")
    try {
      const header = Buffer.alloc(magic.length)
      const isDatabase = readSync(file, header) === 0 || header.equals(magic)
      if (!isDatabase) throw Object.assign(new Error("file is not a database"), { errcode: notADatabase })
    } finally {
      closeSync(file)
    }
  })

/** The first bytes of every database, https://sqlite.org/fileformat.html */
const magic = Buffer.from("SQLite format 3\0")

const notADatabase = 26

/** Runs code that fails with errors of SQLite or of the file system. */
export const attempt = <A>(path: string, f: () => A): Effect.Effect<A, SqliteFailed> =>
  Effect.try({
    try: f,
    catch: (error) => {
      const code = codeOf(error)
      return new SqliteFailed({ path, detail: explain(error), ...(code !== undefined && { code }) })
    }
  })

/** The error of a statement, with the path of the file. */
export const sqlErrorOf = (path: string, error: unknown) => {
  const cause = Object.assign(new Error(messageOf(error)), { errno: codeOf(error) })
  return new SqlError({ reason: classifySqliteError(cause, { message: `${path}: ${explain(error)}` }) })
}

const explain = (error: unknown) => {
  const code = codeOf(error)
  const remedy = typeof code === "number" ? remedies[code & 0xff] : remedies[code ?? ""]
  return remedy === undefined ? messageOf(error) : `${messageOf(error)}; ${remedy}`
}

/** By SQLite's primary result code, https://sqlite.org/rescode.html, or by the error code of the system. */
const remedies: Readonly<Record<number | string, string>> = {
  5: "another program has the file open: close it and run again",
  8: "make the file and its folder writable, or use another file",
  10: "the disk failed: check it and run again",
  11: "the file is damaged: restore a copy of it, or use another file",
  13: "make room on the disk and run again: the stored data is kept",
  14: "check that it is no folder and that its folder is writable, or use another file",
  [notADatabase]: "use another file, or move this one away",
  EACCES: "make the file and its folder readable and writable, or use another file",
  EISDIR: "this is a folder: use a file in it",
  ENOENT: "no folder can be made there: use another file",
  ENOSPC: "make room on the disk and run again",
  EEXIST: "there is a file where its folder should be: use another file",
  ENOTDIR: "there is a file where its folder should be: use another file",
  EROFS: "the disk is read-only: use another file"
}
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

const codeOf = (error: unknown) => {
  if (Predicate.hasProperty(error, "errcode") && typeof error.errcode === "number") return error.errcode
  if (Predicate.hasProperty(error, "code") && typeof error.code === "string") return error.code
  return undefined
}

/** Node 22 warns at the first load that its SQLite is experimental. It works as in Node 24, so the warning is dropped. */
const nodeSqlite = () => {
  const emitWarning = process.emitWarning
  process.emitWarning = () => undefined
  try {
    return process.getBuiltinModule("node:sqlite")
  } finally {
    process.emitWarning = emitWarning
  }
}
