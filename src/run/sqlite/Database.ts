/**
 * Opens SQLite files with `node:sqlite`, and translates its errors into messages that say what to do.
 */
import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs"
import type { DatabaseSync } from "node:sqlite"
import { pathToFileURL } from "node:url"
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

/**
 * Opens a file only to read it, until the scope closes, also while another process writes to it. SQLite keeps the file of
 * a log beside the database for readers; in a folder without write permission the database cannot change, and is read without a log.
 */
export const openReader = (path: string) =>
  Effect.acquireRelease(
    attempt(path, () => {
      const { DatabaseSync } = nodeSqlite()
      const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 })
      try {
        readSchema(database)
        return database
      } catch (error) {
        database.close()
        const isUnwritable = codeOf(error) === cannotCreateLog && sizeOf(`${path}-wal`) === 0
        if (!isUnwritable) throw error
        const unchanging = new DatabaseSync(withQuery(path, "immutable=1"), { readOnly: true })
        readSchema(unchanging)
        return unchanging
      }
    }),
    (database) => Effect.sync(() => database.close())
  )

/** Reads something, so that SQLite finds out what the file is. */
export const readSchema = (database: DatabaseSync) => database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get()

const withQuery = (path: string, query: string) => new URL(`${pathToFileURL(path).href}?${query}`)

/** SQLITE_READONLY_DIRECTORY, and what SQLite reports where the disk itself is read-only. */
const cannotCreateLog = 1544

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

/**
 * Fails if the file was cut within a page: SQLite would read the missing bytes as zeros. A log that is not in the file yet
 * may complete the page.
 */
export const checkWhole = (path: string) =>
  attempt(path, () => {
    const size = sizeOf(path)
    if (size === 0 || sizeOf(`${path}-wal`) > 0) return
    const file = openSync(path, "r")
    try {
      const field = Buffer.alloc(2)
      readSync(file, field, 0, 2, 16)
      // 65,536 does not fit, and is written as 1.
      const pageSize = field.readUInt16BE() === 1 ? 65_536 : field.readUInt16BE()
      if (size % pageSize !== 0) throw Object.assign(new Error("the file was cut off"), { errcode: damaged })
    } finally {
      closeSync(file)
    }
  })

const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0

/** Returns a function that tells whether the path still names the file that it names now. */
export const watch = (path: string): (() => boolean) => {
  const identity = () => {
    const found = statSync(path, { throwIfNoEntry: false })
    return found && `${found.dev} ${found.ino}`
  }
  const now = identity()
  return () => identity() === now
}

/** The error for a file that is not in its place any more. SQLite has a code for it, and reports it only without a log. */
export const moved = (): Error =>
  Object.assign(new Error("the file was moved, removed or replaced"), { errcode: dbMoved })

/** The first bytes of every database, https://sqlite.org/fileformat.html */
const magic = Buffer.from("SQLite format 3\0")

const damaged = 11
const dbMoved = 1032
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
  const remedy = typeof code === "number" ? (remedies[code] ?? remedies[code & 0xff]) : remedies[code ?? ""]
  return remedy === undefined ? messageOf(error) : `${messageOf(error)}; ${remedy}`
}

/** By SQLite's primary result code, https://sqlite.org/rescode.html, or by the error code of the system. */
const remedies: Readonly<Record<number | string, string>> = {
  5: "another program has the file open: close it and run again",
  8: "make the file and its folder writable, or use another file",
  10: "the disk failed: check it and run again",
  [damaged]:
    "the file is damaged: restore a copy, or save what is left with `sqlite3 FILE .recover | sqlite3 NEW-FILE`",
  13: "make room on the disk and run again: the stored data is kept",
  14: "check that it is no folder and that its folder is writable, or use another file",
  [notADatabase]: "use another file, or move this one away",
  [dbMoved]: "put it back and run again; without it, run again with another output",
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
export const nodeSqlite = () => {
  const emitWarning = process.emitWarning
  process.emitWarning = () => undefined
  try {
    return process.getBuiltinModule("node:sqlite")
  } finally {
    process.emitWarning = emitWarning
  }
}
