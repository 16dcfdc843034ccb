/**
 * One SQLite file as an `SqlClient`: what a job keeps its state in. One process at a time: the layer holds a lock on
 * `<path>.lock`, which the system takes back when the process ends, however it ends, and says in `<path>.holder` who it is.
 * The lock file itself stays, unless no row came into a file that was new, and nobody else wanted it: then nothing is left.
 *
 * The client is to be dropped for @effect/sql-sqlite-node when that loads with Effect 4.1; the lock is ours to keep.
 */
import { lstatSync, mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { hostname } from "node:os"
import { basename, dirname } from "node:path"
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { classifySqliteError, SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"

/** Who has a file open. */
export const Holder = Schema.Struct({
  pid: Schema.Int,
  host: Schema.String,
  /** The name of the program, without its arguments: those may hold a prompt or a password. */
  command: Schema.String,
  /** In milliseconds since 1970. */
  since: Schema.Int
})
export type Holder = typeof Holder.Type

/** Another process, or another layer of this one, has the file open. Nothing was read or written. */
export class SqliteInUse extends Schema.TaggedError<SqliteInUse>()("SqliteInUse", {
  path: Schema.String,
  /** Absent in the moment in which the holder has not written its name yet. */
  holder: Schema.optionalKey(Holder)
}) {
  override get message() {
    const holder = this.holder === undefined ? "another process" : describe(this.holder)
    const isOurs = this.holder?.pid === process.pid && this.holder.host === hostname()
    return isOurs
      ? `${this.path} is in use by this program already; give one layer to all who need it, or name another file`
      : `${this.path} is in use by ${holder}; wait for it, stop it, or use another --state`
  }
}

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

/**
 * The database in the file `path`, made with its folders if absent, and locked for as long as the layer lives. A file that
 * was made here and has no row by then is removed again.
 */
export const layer = (options: {
  readonly path: string
}): Layer.Layer<SqlClient.SqlClient, SqliteInUse | SqliteFailed> => layerOf(openLocked(options.path), options.path)

/** A database in memory, gone with the layer: for tests and dry runs. */
export const layerMemory: Layer.Layer<SqlClient.SqlClient> = Layer.suspend(() =>
  layerOf(Effect.orDie(open(":memory:")), ":memory:")
)

const layerOf = <E>(database: Effect.Effect<DatabaseSync, E, Scope.Scope>, path: string) =>
  Layer.effect(
    SqlClient.SqlClient,
    Effect.flatMap(database, (opened) => clientOf(connectionOf(opened, path)))
  ).pipe(Layer.provide(Reactivity.layer))

const openLocked = Effect.fnUntraced(function* (path: string) {
  yield* Effect.acquireRelease(
    attempt(path, () => makeFolder(dirname(path))),
    (made) => Effect.forEach(made, (folder) => Effect.ignore(attempt(folder, () => rmdirSync(folder))))
  )
  // Looks into the file before the lock is taken, so that no lock file appears beside what is no database.
  const opened = yield* attempt(path, () => identityOf(path))
  if (opened !== undefined) {
    yield* look(path, (database) => database.exec("SELECT 1 FROM sqlite_schema")).pipe(
      Effect.catchIf(
        () => identityOf(path) !== opened,
        () => new SqliteInUse({ path })
      )
    )
  }
  yield* lock(path)
  // A link to where no file is yet is the user's.
  const isNew = yield* attempt(path, () => lstatSync(path, { throwIfNoEntry: false }) === undefined)
  if (isNew) yield* Effect.addFinalizer(() => removeIfEmpty(path))
  const database = yield* open(path)
  yield* attempt(path, () => database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL"))
  return database
})

/** Opens a file for one look at it. */
const look = <A>(path: string, f: (database: DatabaseSync) => A) =>
  open(path).pipe(
    Effect.flatMap((database) => attempt(path, () => f(database))),
    Effect.scoped
  )

const removeIfEmpty = (path: string) =>
  Effect.gen(function* () {
    if (yield* look(path, hasRows)) return
    yield* attempt(path, () => rmSync(path))
    yield* attempt(path, () => rmSync(lockOf(path)))
  }).pipe(Effect.ignore)

const lockOf = (path: string) => `${path}.lock`

const hasRows = (database: DatabaseSync) =>
  database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .all()
    .some(({ name }) => database.prepare(`SELECT 1 FROM "${name}" LIMIT 1`).get() !== undefined)

/**
 * Gives the folders that it made, the innermost first. Node's own recursive `mkdir` never returns where the system
 * answers ENOENT, as it does under /proc.
 */
const makeFolder = (folder: string): ReadonlyArray<string> => {
  if (isFolder(folder)) return []
  const made = makeFolder(dirname(folder))
  try {
    mkdirSync(folder)
    return [folder, ...made]
  } catch (error) {
    if (!isFolder(folder)) throw error
    return made
  }
}

/** Which file it is that has this name just now. */
const identityOf = (path: string) => {
  const found = statSync(path, { throwIfNoEntry: false })
  return found && `${found.ino} ${found.birthtimeMs}`
}

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false

/** Opens a file until the scope closes. `busy_timeout` comes first of all: switching to WAL needs it already. */
const open = (path: string) =>
  Effect.acquireRelease(
    attempt(path, () => new (nodeSqlite().DatabaseSync)(path, { timeout: 5000 })),
    (database) => Effect.sync(() => database.close())
  )

/**
 * Holds a lock until the scope closes: a transaction on an SQLite file in which nothing is ever written, so that there is
 * no journal either. One process can have it; who that is stands in a file beside it. Whoever holds the lock may take the
 * file away: a lock on a file that nobody else will find keeps nobody out. So it is the file that has the name before it
 * is opened, and has it still when it is locked.
 */
const lock = Effect.fnUntraced(function* (path: string) {
  const file = lockOf(path)
  if (identityOf(file) === undefined) yield* Effect.scoped(open(file))
  const found = identityOf(file)
  const database = yield* open(file)
  const isFree = yield* attempt(file, () => {
    database.exec("PRAGMA busy_timeout = 250; PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE")
    return found !== undefined && identityOf(file) === found
  }).pipe(
    Effect.catchIf(
      ({ code }) => code === busy,
      () => Effect.succeed(false)
    )
  )
  if (!isFree) return yield* new SqliteInUse({ path, ...(yield* readHolder(path)) })
  const holder = encodeHolder({
    pid: process.pid,
    host: hostname(),
    command: basename(process.argv[1] ?? process.argv0),
    since: yield* Clock.currentTimeMillis
  })
  yield* Effect.acquireRelease(
    attempt(file, () => writeFileSync(holderOf(path), holder)),
    // Where the lock has gone with the file, the next holder may have written its name already.
    () =>
      Effect.ignore(
        attempt(file, () => {
          if (readFileSync(holderOf(path), "utf8") === holder) rmSync(holderOf(path))
        })
      )
  )
})

const holderOf = (path: string) => `${path}.holder`

const readHolder = (path: string) =>
  Effect.try(() => readFileSync(holderOf(path), "utf8")).pipe(
    Effect.flatMap(decodeHolder),
    Effect.match({ onFailure: () => ({}), onSuccess: (holder) => ({ holder }) })
  )

const encodeHolder = Schema.encodeSync(Schema.fromJsonString(Holder))
const decodeHolder = Schema.decodeUnknownEffect(Schema.fromJsonString(Holder))

const describe = ({ pid, host, command, since }: Holder) =>
  // The Swedish way to write a date is the ISO one, in local time.
  `process ${pid} (${command}) on host ${host} since ${new Date(since).toLocaleString("sv-SE")}`

const clientOf = (connection: SqliteConnection) =>
  SqlClient.make({
    ...SqlClient.makeSqliteAcquirers({
      connection: Effect.succeed(connection),
      semaphore: Semaphore.makeUnsafe(1),
      isTransaction: ({ isTransaction }) => isTransaction()
    }),
    compiler: Statement.makeCompilerSqlite(),
    driver: "effect-claude/Sqlite",
    beginTransaction: "BEGIN IMMEDIATE",
    releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`,
    spanAttributes: [["db.system.name", "sqlite"]]
  })

interface SqliteConnection extends Connection {
  readonly isTransaction: () => boolean
}

const connectionOf = (database: DatabaseSync, path: string): SqliteConnection => {
  const prepared = new Map<string, StatementSync>()
  const prepare = (sql: string) => {
    const known = prepared.get(sql)
    if (known !== undefined) return known
    if (prepared.size >= 200) prepared.clear()
    const statement = database.prepare(sql)
    prepared.set(sql, statement)
    return statement
  }
  const all = (sql: string, parameters: ReadonlyArray<unknown>, arrays: boolean) =>
    Effect.try({
      try: () => {
        const statement = prepare(sql)
        statement.setReturnArrays(arrays)
        // node:sqlite itself refuses a parameter that is none of these.
        return statement.all(...(parameters as ReadonlyArray<SQLInputValue>))
      },
      catch: (error) => sqlErrorOf(path, error)
    })
  const execute: Connection["execute"] = (sql, parameters, transform) => {
    const rows = all(sql, parameters, false)
    return transform === undefined ? rows : Effect.map(rows, transform)
  }
  const executeValues: Connection["executeValues"] = (sql, parameters) =>
    // The rows are arrays here, which the types of node:sqlite do not say; `Object.values` serves both.
    Effect.map(all(sql, parameters, true), (rows) => rows.map((row) => Object.values(row)))
  return {
    execute,
    executeUnprepared: execute,
    executeRaw: (sql, parameters) => execute(sql, parameters, undefined),
    executeValues,
    executeValuesUnprepared: executeValues,
    // All rows at once: what is long is read page by page instead.
    executeStream: (sql, parameters, transform) => Stream.fromIterableEffect(execute(sql, parameters, transform)),
    isTransaction: () => database.isTransaction
  }
}

const attempt = <A>(path: string, f: () => A): Effect.Effect<A, SqliteFailed> =>
  Effect.try({
    try: f,
    catch: (error) => {
      const code = codeOf(error)
      return new SqliteFailed({ path, detail: explain(error), ...(code !== undefined && { code }) })
    }
  })

const sqlErrorOf = (path: string, error: unknown) => {
  const cause = Object.assign(new Error(messageOf(error)), { errno: codeOf(error) })
  return new SqlError({ reason: classifySqliteError(cause, { message: `${path}: ${explain(error)}` }) })
}

const explain = (error: unknown) => {
  const code = codeOf(error)
  const remedy = typeof code === "number" ? remedies[code & 0xff] : remedies[code ?? ""]
  return remedy === undefined ? messageOf(error) : `${messageOf(error)}; ${remedy}`
}

/** By SQLite's primary result code, https://sqlite.org/rescode.html, or the code of the system for the folder. */
const remedies: Readonly<Record<number | string, string>> = {
  5: "another program has it open: close that and run again",
  8: "make the file and its folder writable, or use another --state",
  10: "the disk failed: check it, and run again",
  11: "the file is damaged: bring back a copy of it, or use another --state",
  13: "make room on the disk, and run again: what is stored stays",
  14: "check that it is no folder and that its folder is writable, or use another --state",
  26: "use another --state, or move that file away",
  EACCES: "make the folder writable, or use another --state",
  ENOENT: "no folder can be made there: use another --state",
  EEXIST: "there is a file where its folder should be: use another --state",
  ENOTDIR: "there is a file where its folder should be: use another --state",
  EROFS: "the disk is read-only: use another --state"
}
const busy = 5

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

const codeOf = (error: unknown) => {
  if (Predicate.hasProperty(error, "errcode") && typeof error.errcode === "number") return error.errcode
  if (Predicate.hasProperty(error, "code") && typeof error.code === "string") return error.code
  return undefined
}

/** Node 22 warns at the first load that its SQLite is experimental; 24 no longer does. It works the same in both. */
const nodeSqlite = () => {
  const emitWarning = process.emitWarning
  process.emitWarning = () => undefined
  try {
    return process.getBuiltinModule("node:sqlite")
  } finally {
    process.emitWarning = emitWarning
  }
}
