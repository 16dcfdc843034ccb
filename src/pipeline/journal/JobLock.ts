/**
 * Lets one process at a time run a job on a PostgreSQL database, by an advisory lock. All writes of the run go through the
 * connection that holds the lock, so a run whose lock is lost cannot write. An SQLite file has the lock of `Sqlite.layer`.
 * Processes that work on one job together share the lock, which keeps a run of one process out.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { Scope } from "effect/Scope"
import { makeWithTransaction, type SqlClient } from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import { JournalFailed } from "./JournalError.ts"
import * as LockHolders from "./LockHolders.ts"

/** Transactions of the process that holds the lock. */
export interface Held {
  /** Runs an effect in a transaction: its statements through `SqlClient` are part of it. */
  readonly transaction: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlError, R>
  /** Runs statements of one connection in a transaction. It costs less than `transaction`. */
  readonly commit: <E>(f: (connection: Connection) => Effect.Effect<void, E>) => Effect.Effect<void, E | SqlError>
}

/** Whether a process waits until no other one shares the lock of a job. Fails if `session` is no longer the session. */
const isWanted = (sql: SqlClient, job: string, session: unknown) =>
  Effect.flatMap(
    sql`SELECT pg_backend_pid(), EXISTS (SELECT 1 FROM pg_locks l WHERE NOT l.granted AND ${LockHolders.isOf(sql, job)})`
      .values,
    ([row]) => (row?.[0] === session ? Effect.succeed(row?.[1] === true) : Effect.fail(noSession))
  )

const noSession = new JournalFailed({
  detail:
    "the address leads to a pooler in transaction mode, which gives each transaction another session, so that the lock of " +
    "the job does not hold; use the session mode of the pooler, or the address of the server itself"
})

const sessionOf = (connection: Connection) =>
  Effect.map(connection.executeValues("SELECT pg_backend_pid()", []), ([row]) => row?.[0])

/** Gives the session of a connection. Fails if another connection gets it meanwhile, as from a pooler. */
const ownSession = Effect.fnUntraced(function* (sql: SqlClient, connection: Connection) {
  const session = yield* sessionOf(connection)
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      const [[other] = []] = yield* sql`SELECT pg_backend_pid()`.values
      if (other === session || (yield* sessionOf(connection)) !== session) return yield* noSession
      return session
    })
  )
})

/** Runs statements on one connection. */
const on = (sql: SqlClient, connection: Connection) => Effect.provideService(sql.transactionService, [connection, 0])

/** The longest wait for a second connection. */
const patience = "10 seconds"

const onlyConnection = new JournalFailed({
  detail: `no second connection within ${patience}, and the lock of the job holds one; let the pool have at least two`
})

/** How long a run waits for the processes that share the lock. They notice it within a second, and end their calls. */
const longestWait = "10min"

/** Takes the lock once no process shares it. */
const waitFor = (connection: Connection, call: (name: string) => Effect.Effect<unknown, SqlError>) =>
  Effect.acquireUseRelease(
    connection.executeRaw(`SET lock_timeout = '${longestWait}'`, []),
    () => Effect.as(call("pg_advisory_lock"), true),
    () => Effect.ignore(connection.executeRaw("RESET lock_timeout", []))
  ).pipe(
    Effect.catchIf(isTimeout, () => Effect.succeed(false)),
    // The server may have given the lock at that moment. Without it, unlocking is a warning.
    Effect.onInterrupt(() => Effect.ignore(call("pg_advisory_unlock")))
  )

/** `lock_not_available`, https://www.postgresql.org/docs/current/errcodes-appendix.html */
const isTimeout = ({ reason: { cause } }: SqlError) => Predicate.hasProperty(cause, "code") && cause.code === "55P03"

const calling = (connection: Connection, key: string) => (name: string) =>
  connection.executeValues(`SELECT ${name}(hashtextextended(current_schema() || $1, 0))`, [key])

/** Releases a lock. A connection that does not answer has lost its locks, or loses them when it is closed. */
const unlock = (call: Effect.Effect<unknown, SqlError>) =>
  Effect.ignore(Effect.timeout(Effect.interruptible(call), "2 seconds"))

/** When the server started, as text. After a failover, another server answers, which may lack the latest commits. */
export const serverStart = "CAST(EXTRACT(EPOCH FROM pg_postmaster_start_time()) AS TEXT)"

/** The lock of a job that other processes may share too. */
export interface Shared {
  readonly held: Held
  /** The `serverStart` of the server that has the lock. */
  readonly server: string
  /** Whether a process waits until no other one shares the lock. Fails where the lock is lost with its connection. */
  readonly isWanted: Effect.Effect<boolean, SqlError | JournalFailed>
  /** Shows that this process lives as a run of the job, until the scope closes or the connection is lost. */
  readonly liveAs: (job: number, run: number) => Effect.Effect<void, SqlError, Scope>
}

/** Shares the lock of a job on PostgreSQL until the scope closes; undefined if a process has it, or waits for it. */
export const share = Effect.fnUntraced(function* (
  sql: SqlClient,
  job: string
): Effect.fn.Return<Shared | undefined, SqlError | JournalFailed, Scope> {
  const connection = yield* sql.reserve
  const call = calling(connection, ` ${job}`)
  const isShared = yield* Effect.acquireRelease(
    Effect.map(call("pg_try_advisory_lock_shared"), ([row]) => row?.[0] === true),
    (isShared) => (isShared ? unlock(call("pg_advisory_unlock_shared")) : Effect.void)
  )
  if (!isShared) return undefined
  const session = yield* ownSession(sql, connection)
  const [row] = yield* connection.executeValues(`SELECT ${serverStart}`, [])
  return {
    server: String(row?.[0]),
    held: unlocked(sql, "BEGIN"),
    isWanted: on(sql, connection)(isWanted(sql, job, session)),
    liveAs: (job, run) => {
      const call = calling(connection, `${LockHolders.ofRun(job)}${run}`)
      return Effect.asVoid(
        Effect.acquireRelease(call("pg_advisory_lock_shared"), () => unlock(call("pg_advisory_unlock_shared")))
      )
    }
  }
})

/** Transactions on any connection. */
const unlocked = (sql: SqlClient, begin: string): Held => ({
  transaction: sql.withTransaction,
  commit: (f) => Effect.scoped(Effect.flatMap(sql.reserve, (connection) => commitOn(connection, begin, f)))
})

/**
 * Tries to take the lock until the scope closes; undefined if another process has it. The server releases it too when
 * the process dies. With `waits`, it waits for processes that share the lock. Fails where the lock holds the only
 * connection of the pool: reading would wait for ever.
 */
export const take = (
  sql: SqlClient,
  job: string,
  waits = false
): Effect.Effect<Held | undefined, SqlError | JournalFailed, Scope> =>
  sql.onDialectOrElse({
    pg: () =>
      Effect.flatMap(sql.reserve, (connection) => {
        const call = calling(connection, ` ${job}`)
        const taking = waits
          ? waitFor(connection, call)
          : Effect.map(call("pg_try_advisory_lock"), ([row]) => row?.[0] === true)
        return Effect.acquireRelease(
          taking,
          (isTaken) => (isTaken ? Effect.ignore(call("pg_advisory_unlock")) : Effect.void),
          { interruptible: waits }
        ).pipe(
          Effect.tap(
            Effect.timeoutOrElse(ownSession(sql, connection), {
              duration: patience,
              orElse: () => Effect.fail(onlyConnection)
            })
          ),
          Effect.map((isTaken) => (isTaken ? holding(sql, connection) : undefined))
        )
      }),
    orElse: () => Effect.succeed(unlocked(sql, "BEGIN IMMEDIATE"))
  })

const holding = (sql: SqlClient, connection: Connection): Held => {
  const control = (statement: string) => Effect.asVoid(connection.executeRaw(statement, []))
  return {
    transaction: makeWithTransaction({
      transactionService: sql.transactionService,
      spanAttributes: [],
      acquireConnection: () => Effect.succeed(connection),
      begin: () => control("BEGIN"),
      commit: () => control("COMMIT"),
      rollback: () => control("ROLLBACK"),
      savepoint: (_, id) => control(`SAVEPOINT effect_sql_${id}`),
      rollbackSavepoint: (_, id) => control(`ROLLBACK TO SAVEPOINT effect_sql_${id}`)
    }),
    commit: (f) => commitOn(connection, "BEGIN", f)
  }
}

const commitOn = <E>(
  connection: Connection,
  begin: string,
  f: (connection: Connection) => Effect.Effect<void, E>
): Effect.Effect<void, E | SqlError> =>
  connection.executeRaw(begin, []).pipe(
    Effect.andThen(
      f(connection).pipe(
        Effect.andThen(connection.executeRaw("COMMIT", [])),
        Effect.onError(() => Effect.ignore(connection.executeRaw("ROLLBACK", [])))
      )
    ),
    Effect.asVoid
  )
