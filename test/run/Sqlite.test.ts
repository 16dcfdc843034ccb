import { spawn } from "node:child_process"
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync
} from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { SqlClient } from "effect/sql/SqlClient"
import { UniqueViolation } from "effect/sql/SqlError"
import * as Sqlite from "../../src/run/Sqlite.ts"
import * as Lock from "../../src/run/sqlite/Lock.ts"

describe("the client", () => {
  it.effect("creates the folders and the file, and reads what an earlier layer wrote", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "deep", "er", "state.sqlite")
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient
        yield* sql`CREATE TABLE letters (letter TEXT)`
        yield* sql`INSERT INTO letters VALUES (${"a"}), (${"b"})`
      }).pipe(Effect.provide(Sqlite.layer({ path })))
      const letters = yield* readLetters.pipe(Effect.provide(Sqlite.layer({ path })))
      assert.deepStrictEqual(letters, [["a"], ["b"]])
    })
  )

  it.effect("uses a write-ahead log, so that a write does not wait for the disk", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      assert.deepStrictEqual(yield* sql`PRAGMA journal_mode`.values, [["wal"]])
      assert.deepStrictEqual(yield* sql`PRAGMA synchronous`.values, [[1]])
      assert.deepStrictEqual(yield* sql`PRAGMA busy_timeout`.values, [[5000]])
    }).pipe(Effect.provide(fileLayer))
  )

  it.effect("rolls back a failed transaction, and only the nested one if that fails", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* sql`CREATE TABLE letters (letter TEXT)`
      const insert = (letter: string) => sql`INSERT INTO letters VALUES (${letter})`
      yield* sql.withTransaction(Effect.andThen(insert("a"), Effect.fail("no"))).pipe(Effect.ignore)
      const nested = sql.withTransaction(Effect.andThen(insert("c"), Effect.fail("no"))).pipe(Effect.ignore)
      yield* sql.withTransaction(Effect.andThen(insert("b"), nested))
      assert.deepStrictEqual(yield* readLetters, [["b"]])
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )

  it.effect("names the file and the remedy if the disk is full, and keeps the stored rows", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* sql`CREATE TABLE letters (letter TEXT)`
      yield* sql`INSERT INTO letters VALUES (${"a"})`
      yield* sql`PRAGMA max_page_count = 2`
      const error = yield* Effect.flip(sql`INSERT INTO letters VALUES (${"b".repeat(100_000)})`)
      assert.match(error.message, /state\.sqlite: database or disk is full; make room on the disk and run again/)
      assert.deepStrictEqual(yield* readLetters, [["a"]])
    }).pipe(Effect.provide(fileLayer))
  )

  it.effect("reports a violated constraint without its value", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* sql`CREATE TABLE letters (letter TEXT UNIQUE)`
      const insert = sql`INSERT INTO letters VALUES (${"secret"})`
      yield* insert
      const error = yield* Effect.flip(insert)
      assert.instanceOf(error.reason, UniqueViolation)
      assert.notInclude(error.message, "secret")
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )
})

describe("a file that is in use", () => {
  it.effect("fails the next transaction if it was removed or replaced", () =>
    Effect.gen(function* () {
      for (const change of [rmSync, (path: string) => (rmSync(path), writeFileSync(path, ""))]) {
        const path = join(yield* folder, "state.sqlite")
        yield* Effect.gen(function* () {
          const sql = yield* SqlClient
          yield* sql`CREATE TABLE letters (letter TEXT)`
          const write = sql.withTransaction(sql`INSERT INTO letters VALUES ('a')`)
          yield* write
          change(path)
          const { message } = yield* Effect.flip(write)
          assert.include(message, `${path}: the file was moved, removed or replaced; put it back and run again`)
        }).pipe(Effect.provide(Sqlite.layer({ path })))
      }
    })
  )
})

describe("a damaged file", () => {
  it.effect("is refused if it was cut within a page, and stays as it is", () =>
    Effect.gen(function* () {
      const path = yield* written
      truncateSync(path, statSync(path).size - 100)
      const size = statSync(path).size
      const error = yield* Effect.flip(Effect.provide(SqlClient, Sqlite.layer({ path })))
      assert.instanceOf(error, Sqlite.SqliteFailed)
      assert.match(
        error.message,
        /state\.sqlite: the file was cut off; the file is damaged: restore a copy, or save what is left with `sqlite3 /
      )
      assert.strictEqual(statSync(path).size, size)
    })
  )

  it.effect("is refused if it lacks whole pages", () =>
    Effect.gen(function* () {
      const path = yield* written
      truncateSync(path, 8192)
      const error = yield* Effect.flip(Effect.provide(readLetters, Sqlite.layer({ path })))
      assert.match(
        error.message,
        /state\.sqlite: database disk image is malformed; the file is damaged: restore a copy/
      )
    })
  )

  it.effect("is not one whose last page is still in the log", () =>
    Effect.gen(function* () {
      const path = yield* written
      const open = new DatabaseSync(path)
      open.exec("INSERT INTO letters VALUES ('b')")
      const copy = `${path}.copy`
      copyFileSync(`${path}-wal`, `${copy}-wal`)
      copyFileSync(path, copy)
      open.close()
      truncateSync(copy, statSync(copy).size - 100)
      const letters = yield* Effect.provide(readLetters, Sqlite.layer({ path: copy }))
      assert.strictEqual(letters.length, 101)
    })
  )
})

describe("after the layer closes, the folder has", () => {
  it.effect("nothing if no row was written: no file, no folder and no lock", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const file = Sqlite.layer({ path: join(directory, "deep", "er", "state.sqlite") })
      yield* SqlClient.use((sql) => sql`CREATE TABLE letters (letter TEXT)`).pipe(Effect.provide(file))
      assert.deepStrictEqual(readdirSync(directory), [])
    })
  )

  it.effect("the file and the lock if it has a row", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const file = Sqlite.layer({ path: join(directory, "state.sqlite") })
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient
        yield* sql`CREATE TABLE letters (letter TEXT)`
        yield* sql`INSERT INTO letters VALUES (${"a"})`
      }).pipe(Effect.provide(file))
      assert.deepStrictEqual(readdirSync(directory), ["state.sqlite", "state.sqlite.lock"])
    })
  )

  it.effect("a link that existed before, and its target", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      symlinkSync(join(directory, "elsewhere.sqlite"), join(directory, "state.sqlite"))
      yield* Effect.provide(SqlClient, Sqlite.layer({ path: join(directory, "state.sqlite") }))
      assert.include(readdirSync(directory), "state.sqlite")
      assert.include(readdirSync(directory), "elsewhere.sqlite")
    })
  )

  it.effect("a file that existed before, even without a row", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      writeFileSync(join(directory, "state.sqlite"), "")
      yield* Effect.provide(SqlClient, Sqlite.layer({ path: join(directory, "state.sqlite") }))
      assert.deepStrictEqual(readdirSync(directory), ["state.sqlite", "state.sqlite.lock"])
    })
  )
})

describe("a path that is refused", () => {
  it.effect("may be a file that is not a database, and gets no lock", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const path = join(directory, "notes.txt")
      writeFileSync(path, "These are my notes, and not a database.\n".repeat(10))
      const error = yield* Effect.flip(Effect.provide(SqlClient, Sqlite.layer({ path })))
      assert.strictEqual(error.message, `${path}: file is not a database; use another file, or move this one away`)
      assert.deepStrictEqual(readdirSync(directory), ["notes.txt"])
    })
  )

  it.effect("may be a folder", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "state.sqlite")
      mkdirSync(path)
      const error = yield* Effect.flip(Effect.provide(SqlClient, Sqlite.layer({ path })))
      assert.instanceOf(error, Sqlite.SqliteFailed)
      assert.match(error.message, /state\.sqlite: EISDIR: .*; this is a folder: use a file in it$/)
    })
  )

  it.effect("may be in a folder that cannot be created", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "a-file")
      writeFileSync(file, "")
      const path = join(file, "state.sqlite")
      const error = yield* Effect.flip(Effect.provide(SqlClient, Sqlite.layer({ path })))
      assert.match(error.message, /state\.sqlite: .*; there is a file where its folder should be: use another file$/)
    })
  )
})

describe("the lock", () => {
  it.effect("excludes a second layer until the first is released", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "state.sqlite")
      const first = yield* Scope.make()
      yield* Layer.buildWithScope(Sqlite.layer({ path }), first)
      const error = yield* Effect.flip(Effect.provide(SqlClient, Sqlite.layer({ path })))
      assert.include(error.message, `${path} is in use by this program already; provide one layer to everything`)
      yield* Scope.close(first, Exit.void)
      yield* Effect.provide(SqlClient, Sqlite.layer({ path }))
    })
  )

  it.live("names the process that holds it, and is released when that process is killed", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "state.sqlite")
      const holder = yield* hold(path)
      assert.strictEqual(yield* holder.prints, "holding")

      const loser = yield* hold(path)
      const time = /since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d; wait for it, stop it, or use another file$/
      const line = yield* loser.prints
      assert.include(line, `${path} is in use by process ${holder.pid} (hold-sqlite.ts) on host ${hostname()} `)
      assert.match(line, time)

      yield* holder.kill
      const next = yield* hold(path)
      assert.strictEqual(yield* next.prints, "holding")
      yield* next.kill
      assert.deepStrictEqual(yield* readLetters.pipe(Effect.provide(Sqlite.layer({ path }))), [["a"], ["a"]])
    })
  )

  it.live("admits one of several processes that start together", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "state.sqlite")
      const processes = yield* Effect.all(Array.from({ length: 4 }, () => hold(path)))
      const lines = yield* Effect.forEach(processes, ({ prints }) => prints)
      assert.strictEqual(lines.filter((line) => line === "holding").length, 1)
      assert.strictEqual(lines.filter((line) => line.includes("is in use by ")).length, 3)
    })
  )
})

describe("a reader", () => {
  it.live("reads what a process that has the file locked has committed, and leaves it to that process", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "state.sqlite")
      const holder = yield* hold(path)
      yield* holder.prints
      const files = readdirSync(join(path, ".."))
      assert.deepStrictEqual(yield* readLetters.pipe(Effect.provide(Sqlite.layerReader({ path }))), [["a"]])
      assert.deepStrictEqual(readdirSync(join(path, "..")), files)
      const found = yield* Lock.holder(path)
      assert.strictEqual(found === "unnamed" ? found : found?.pid, holder.pid)
      yield* holder.kill
      assert.isUndefined(yield* Lock.holder(path))
    })
  )

  it.live("reads what a killed process has left in the log, and leaves the log there", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "state.sqlite")
      const holder = yield* hold(path)
      yield* holder.prints
      yield* holder.kill
      const size = statSync(`${path}-wal`).size
      assert.deepStrictEqual(yield* readLetters.pipe(Effect.provide(Sqlite.layerReader({ path }))), [["a"]])
      assert.strictEqual(statSync(`${path}-wal`).size, size)
    })
  )

  it.effect("sees the rows that a writer adds while it reads, and the writer can end first", () =>
    Effect.gen(function* () {
      const path = yield* written
      const writer = yield* Scope.make()
      const sql = yield* Effect.map(Layer.buildWithScope(Sqlite.layer({ path }), writer), Context.get(SqlClient))
      const count = SqlClient.use((sql) => sql`SELECT COUNT(*) FROM letters`.values)
      yield* Effect.gen(function* () {
        assert.deepStrictEqual(yield* count, [[100]])
        yield* sql`INSERT INTO letters VALUES (${"b"})`
        yield* Scope.close(writer, Exit.void)
        assert.deepStrictEqual(yield* count, [[101]])
      }).pipe(Effect.provide(Sqlite.layerReader({ path })))
      assert.deepStrictEqual(readdirSync(join(path, "..")), ["state.sqlite", "state.sqlite.lock"])
      assert.deepStrictEqual(yield* Effect.provide(count, Sqlite.layer({ path })), [[101]])
    })
  )

  it.effect("cannot write", () =>
    Effect.gen(function* () {
      const path = yield* written
      const write = SqlClient.use((sql) => sql`INSERT INTO letters VALUES (${"b"})`)
      const error = yield* Effect.flip(Effect.provide(write, Sqlite.layerReader({ path })))
      assert.match(error.message, /attempt to write a readonly database/)
      assert.deepStrictEqual(readdirSync(join(path, "..")), ["state.sqlite", "state.sqlite.lock"])
    })
  )

  it.live("reads a file in a folder that it may not write to", () =>
    Effect.gen(function* () {
      const path = yield* written
      const directory = join(path, "..")
      chmodSync(directory, 0o555)
      yield* Effect.addFinalizer(() => Effect.sync(() => chmodSync(directory, 0o755)))
      // The permissions of a folder do not bind root.
      const reader = yield* start("read-sqlite.ts", [path], process.getuid?.() === 0 ? nobody : {})
      assert.strictEqual(yield* reader.prints, "100")
    })
  )

  it.effect("refuses a file that is not a database, and one that does not exist", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "notes.txt")
      const refused = Effect.map(Effect.flip(Effect.provide(SqlClient, Sqlite.layerReader({ path }))), String)
      assert.include(yield* refused, "unable to open database file")
      writeFileSync(path, "These are my notes, and not a database.\n".repeat(10))
      assert.include(yield* refused, `${path}: file is not a database; use another file`)
      assert.deepStrictEqual(readdirSync(join(path, "..")), ["notes.txt"])
    })
  )
})

it.live("loads without a warning from Node", () =>
  Effect.gen(function* () {
    const path = join(yield* folder, "state.sqlite")
    const holder = yield* hold(path)
    yield* holder.prints
    yield* holder.kill
    assert.strictEqual(yield* holder.stderr, "")
    assert.isTrue(existsSync(path))
  })
)

const readLetters = SqlClient.use((sql) => sql`SELECT letter FROM letters`.values)

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "sqlite-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true }))
)

const fileLayer = Layer.unwrap(Effect.map(folder, (path) => Sqlite.layer({ path: join(path, "state.sqlite") })))

/** The path of a file with a table of 100 long letters. */
const written = Effect.gen(function* () {
  const path = join(yield* folder, "state.sqlite")
  yield* Effect.gen(function* () {
    const sql = yield* SqlClient
    yield* sql`CREATE TABLE letters (letter TEXT)`
    for (let index = 0; index < 100; index++) yield* sql`INSERT INTO letters VALUES (${"a".repeat(500)})`
  }).pipe(Effect.provide(Sqlite.layer({ path })))
  return path
})

/** A child process that has the file open. */
const hold = (path: string) => start("hold-sqlite.ts", [path])

/** A user without permissions, on Linux. */
const nobody = { uid: 65_534, gid: 65_534 }

/** A child process. `prints` is the first line that it prints, `stderr` its standard error. */
const start = (
  name: string,
  args: ReadonlyArray<string>,
  user: { readonly uid?: number; readonly gid?: number } = {}
) =>
  Effect.gen(function* () {
    const script = join(import.meta.dirname, name)
    const child = spawn(process.execPath, ["--conditions=effect-claude-source", script, ...args], user)
    let errors = ""
    child.stderr.on("data", (chunk) => (errors += String(chunk)))
    const line = new Promise<string>((resolve) => createInterface(child.stdout).once("line", resolve))
    const closed = new Promise<void>((resolve) => child.once("close", () => resolve()))
    const kill = Effect.promise(() => {
      child.kill("SIGKILL")
      return closed
    })
    yield* Effect.addFinalizer(() => kill)
    return { pid: child.pid, prints: Effect.promise(() => line), kill, stderr: Effect.sync(() => errors) }
  })
