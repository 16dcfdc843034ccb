/**
 * Lets one process at a time use a file. The process locks `<path>.lock`, and `<path>.holder` names it. The system
 * releases the lock when the process ends, however it ends.
 */
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { hostname } from "node:os"
import { basename } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Scope } from "effect/Scope"
import * as Database from "./Database.ts"
import { attempt, type SqliteFailed } from "./Database.ts"

/** The process that has a file open. */
export const Holder = Schema.Struct({
  pid: Schema.Int,
  host: Schema.String,
  /** The name of the program, without its arguments, which may hold a prompt or a password. */
  command: Schema.String,
  /** In milliseconds since 1970. */
  since: Schema.Int
})
export type Holder = typeof Holder.Type

/** Another process, or another layer of this process, has the file open. Nothing was read or written. */
export class SqliteInUse extends Schema.TaggedError<SqliteInUse>()("SqliteInUse", {
  path: Schema.String,
  /** Absent until the holder has written its name. */
  holder: Schema.optionalKey(Holder)
}) {
  override get message() {
    const holder = this.holder === undefined ? "another process" : describe(this.holder)
    const isOurs = this.holder?.pid === process.pid && this.holder.host === hostname()
    return isOurs
      ? `${this.path} is in use by this program already; provide one layer to everything that needs it, or use another file`
      : `${this.path} is in use by ${holder}; wait for it, stop it, or use another file`
  }
}

/** The file that is locked in place of `path`. Only the process that holds the lock may remove it. */
export const fileOf = (path: string) => `${path}.lock`

/** A lock file that is open, and the identity that it had under its name just before. */
export interface Candidate {
  readonly database: DatabaseSync
  readonly identity: string | undefined
}

/** Opens the lock file until the scope closes. */
export const open = Effect.fnUntraced(function* (path: string): Effect.fn.Return<Candidate, SqliteFailed, Scope> {
  const file = fileOf(path)
  if (identityOf(file) === undefined) yield* Effect.scoped(Database.open(file))
  return { identity: identityOf(file), database: yield* Database.open(file) }
})

/**
 * Locks an open lock file until the scope closes, or fails if another process has it. The lock is a transaction that
 * writes nothing, so there is no journal. The holder may remove the file, and a lock on a removed file excludes no
 * other process. So the file must still have the identity that it had before it was opened.
 */
export const take = Effect.fnUntraced(function* (path: string, { database, identity }: Candidate) {
  const file = fileOf(path)
  const isFree = yield* attempt(file, () => {
    database.exec("PRAGMA busy_timeout = 250; PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE")
    return identity !== undefined && identityOf(file) === identity
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
    // If the lock file was removed, the next holder may have written its name by now.
    () =>
      Effect.ignore(
        attempt(file, () => {
          if (readFileSync(holderOf(path), "utf8") === holder) rmSync(holderOf(path))
        })
      )
  )
})

/** Whether a process has a file locked, as far as this one can tell. It locks the file for a moment itself. */
export const isHeld = (path: string): Effect.Effect<boolean> =>
  Effect.suspend(() => {
    const file = fileOf(path)
    if (identityOf(file) === undefined) return Effect.succeed(false)
    return Database.look(file, (database) => database.exec("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; ROLLBACK")).pipe(
      Effect.as(false),
      // Without permission to lock the file, a holder that has named itself is taken for alive.
      Effect.catch(({ code }) => Effect.sync(() => code === busy || existsSync(holderOf(path))))
    )
  })

/** The process that has a file locked: `"unnamed"` for a moment, undefined where there is none. */
export const holder = (path: string): Effect.Effect<Holder | "unnamed" | undefined> =>
  Effect.flatMap(isHeld(path), (isHeld) =>
    isHeld ? Effect.map(readHolder(path), ({ holder = "unnamed" as const }) => holder) : Effect.undefined
  )

const holderOf = (path: string) => `${path}.holder`

const readHolder = (path: string) =>
  Effect.try(() => readFileSync(holderOf(path), "utf8")).pipe(
    Effect.flatMap(decodeHolder),
    Effect.match({ onFailure: (): { readonly holder?: Holder } => ({}), onSuccess: (holder) => ({ holder }) })
  )

const encodeHolder = Schema.encodeSync(Schema.fromJsonString(Holder))
const decodeHolder = Schema.decodeUnknownEffect(Schema.fromJsonString(Holder))

/** A process in words. */
export const describe = ({ pid, host, command, since }: Holder) =>
  // In Swedish, a date is written as in ISO 8601, in local time.
  `process ${pid} (${command}) on host ${host} since ${new Date(since).toLocaleString("sv-SE")}`

/** Identifies the file that has this name now. */
const identityOf = (path: string) => {
  const found = statSync(path, { throwIfNoEntry: false })
  return found && `${found.ino} ${found.birthtimeMs}`
}

/** SQLite's code for a locked file. */
const busy = 5
