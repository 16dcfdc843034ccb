/**
 * An SQLite file as an `SqlClient`, for the state of a job. One process at a time can use it: the layer holds a lock on
 * `<path>.lock`, and `<path>.holder` names the process. The lock file stays. A new file without rows is removed together
 * with its lock file.
 *
 * Replace the client by @effect/sql-sqlite-node once that loads with Effect 4.1, and keep the lock.
 */
import { existsSync, lstatSync, mkdirSync, rmdirSync, rmSync, statSync } from "node:fs"
import { dirname } from "node:path"
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import {
  attempt,
  checkHeader,
  checkWhole,
  look,
  moved,
  open,
  openReader,
  readSchema,
  type SqliteFailed,
  sqlErrorOf,
  watch
} from "./sqlite/Database.ts"
import * as Lock from "./sqlite/Lock.ts"

export { SqliteFailed } from "./sqlite/Database.ts"
export { rows as query } from "./sqlite/Query.ts"
export { Holder, holder, SqliteInUse } from "./sqlite/Lock.ts"

/**
 * The database in the file `path`, locked until the layer is released. Creates the file and its folders if they are
 * missing, and removes them again if no row was written.
 */
export const layer = (options: {
  readonly path: string
}): Layer.Layer<SqlClient.SqlClient, Lock.SqliteInUse | SqliteFailed> => layerOf(openLocked(options.path), options.path)

/**
 * The database in the file `path`, only to read it, also while another process has it locked. It takes no lock, and creates
 * nothing but the files of SQLite's log, which it removes again.
 */
export const layerReader = (options: { readonly path: string }): Layer.Layer<SqlClient.SqlClient, SqliteFailed> =>
  layerOf(openForReading(options.path), options.path)

/**
 * The database in the file `path`, to write single statements beside the process that has it locked. SQLite lets one
 * process write at a time, and the other waits for it, so keep transactions to one short statement.
 */
export const layerBeside = (options: { readonly path: string }): Layer.Layer<SqlClient.SqlClient, SqliteFailed> =>
  layerOf(openBeside(options.path), options.path)

/** A database in memory, for tests and dry runs. It ends with the layer. */
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
  // Before the lock, so that no lock file appears beside a file that is no database.
  yield* checkHeader(path)
  yield* Lock.take(path, yield* Lock.open(path))
  // A link whose target does not exist yet is the user's, and stays.
  const isNew = yield* attempt(path, () => lstatSync(path, { throwIfNoEntry: false }) === undefined)
  if (isNew) yield* Effect.addFinalizer(() => removeIfEmpty(path))
  yield* checkWhole(path)
  const database = yield* open(path)
  yield* attempt(path, () => {
    // A database that exists may be another program's, which chose its own mode.
    const isEmpty = database.prepare("PRAGMA page_count").get()?.["page_count"] === 0
    // A reply of 300 tokens takes about 2 KB. In pages of 4 KB, often only one of them would fit.
    if (isEmpty) database.exec("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL")
    // A commit survives the process. The disk has it after a checkpoint, each time the log has grown to 16 MB.
    database.exec("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 2000")
  })
  return database
})

const openForReading = Effect.fnUntraced(function* (path: string) {
  // A connection that only reads leaves the files of the log behind, also the files of a run that ends meanwhile.
  const removeLog = Effect.gen(function* () {
    if (!(yield* Lock.isHeld(path))) yield* look(path, readSchema)
  })
  const isLeftByCrash = existsSync(`${path}-wal`) && !(yield* Lock.isHeld(path))
  if (!isLeftByCrash) yield* Effect.addFinalizer(() => Effect.ignore(removeLog))
  return yield* openReader(path)
})

/** Checkpoints, and the waits for the disk that come with them, are left to the process that has the file locked. */
const openBeside = Effect.fnUntraced(function* (path: string) {
  const database = yield* open(path)
  yield* attempt(path, () => database.exec("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0"))
  return database
})

const removeIfEmpty = (path: string) =>
  Effect.gen(function* () {
    if (yield* look(path, hasRows)) return
    yield* attempt(path, () => rmSync(path))
    yield* attempt(path, () => rmSync(Lock.fileOf(path)))
  }).pipe(Effect.ignore)

/** A list of migrations is no row: every journal has one from the start. */
const hasRows = (database: DatabaseSync) =>
  database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%_migrations'")
    .all()
    .some(({ name }) => database.prepare(`SELECT 1 FROM "${name}" LIMIT 1`).get() !== undefined)

/**
 * Creates a folder and its parents; gives the new ones, the innermost first. Node's recursive `mkdir` never returns where
 * the system answers ENOENT, as it does under /proc.
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

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false

const beginTransaction = "BEGIN IMMEDIATE"

const clientOf = (connection: SqliteConnection) =>
  SqlClient.make({
    ...SqlClient.makeSqliteAcquirers({
      connection: Effect.succeed(connection),
      semaphore: Semaphore.makeUnsafe(1),
      isTransaction: ({ isTransaction }) => isTransaction()
    }),
    compiler: Statement.makeCompilerSqlite(),
    driver: "effect-claude/Sqlite",
    beginTransaction,
    releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`,
    spanAttributes: [["db.system.name", "sqlite"]]
  })

interface SqliteConnection extends Connection {
  readonly isTransaction: () => boolean
}

const connectionOf = (database: DatabaseSync, path: string): SqliteConnection => {
  const prepared = new Map<string, StatementSync>()
  const isInPlace = watch(path)
  const prepare = (sql: string) => {
    // SQLite would write to a removed file without an error, and all of it would be lost.
    if (sql === beginTransaction && !isInPlace()) throw moved()
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
        // node:sqlite refuses every other parameter.
        return statement.all(...(parameters as ReadonlyArray<SQLInputValue>))
      },
      catch: (error) => sqlErrorOf(path, error)
    })
  const execute: Connection["execute"] = (sql, parameters, transform) => {
    const rows = all(sql, parameters, false)
    return transform === undefined ? rows : Effect.map(rows, transform)
  }
  const executeValues: Connection["executeValues"] = (sql, parameters) =>
    // The rows are arrays here, although the types of node:sqlite say objects; `Object.values` accepts both.
    Effect.map(all(sql, parameters, true), (rows) => rows.map((row) => Object.values(row)))
  // For statements whose rows are not read.
  const executeRaw: Connection["executeRaw"] = (sql, parameters) =>
    Effect.try({
      try: () => prepare(sql).run(...(parameters as ReadonlyArray<SQLInputValue>)),
      catch: (error) => sqlErrorOf(path, error)
    })
  return {
    execute,
    executeUnprepared: execute,
    executeRaw,
    executeValues,
    executeValuesUnprepared: executeValues,
    // All rows at once: long results are read in pages.
    executeStream: (sql, parameters, transform) => Stream.fromIterableEffect(execute(sql, parameters, transform)),
    isTransaction: () => database.isTransaction
  }
}
