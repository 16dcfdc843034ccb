/**
 * The locks of jobs as PostgreSQL lists them: which connection runs a job, and which processes that work on it live. Only
 * `JobLock` takes them.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"

/** A connection to PostgreSQL that holds the lock of a job. */
export interface Holder {
  /** The number of the connection's process on the server. */
  readonly pid: number
  /** The address of the client; null if it is on the server's machine, or if the user may not see it. */
  readonly address: string | null
  /** When it connected, in milliseconds since 1970. */
  readonly since: number | null
}

/** The connection that holds the lock of a job on PostgreSQL, or undefined. */
export const holder = (sql: SqlClient, job: string) =>
  Effect.map(
    Effect.flatMap(
      sql`SELECT a.pid, HOST(a.client_addr) AS address,
            CAST(EXTRACT(EPOCH FROM a.backend_start) * 1000 AS DOUBLE PRECISION) AS since
          FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
          WHERE l.granted AND ${isOf(sql, job)}`,
      decodeHolders
    ),
    ([holder]): Holder | undefined => holder
  )

/** SQL that is true where `l` is the lock of a job. */
export const isOf = (sql: SqlClient, job: string) =>
  sql`${isAdvisory(sql)} AND ${keyOf(sql)} = hashtextextended(current_schema() || ' ' || ${job}, 0)`

const isAdvisory = (sql: SqlClient) =>
  sql`l.locktype = 'advisory' AND l.objsubid = 1
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`

/** The key of the advisory lock `l`. */
const keyOf = (sql: SqlClient) => sql`(CAST(l.classid AS BIGINT) << 32) | CAST(l.objid AS BIGINT)`

/**
 * SQL that is true while a process lives that works on a job as the run of this column; see `JobLock.Shared`. A dead process
 * has lost its lock.
 */
export const isLiving = (sql: SqlClient, job: number, run: string) =>
  sql`hashtextextended(current_schema() || ${ofRun(job)} || ${sql.literal(run)}, 0)
    IN (SELECT ${keyOf(sql)} FROM pg_locks l WHERE l.granted AND ${isAdvisory(sql)})`

/** The text of the lock that a process holds while it lives as a run of a job; the number of the run follows. */
export const ofRun = (job: number) => ` effect_claude run ${job} `

/** How many processes share the lock of a job. */
export const sharers = (sql: SqlClient, job: string) =>
  Effect.map(
    sql`SELECT COUNT(*) FROM pg_locks l WHERE l.granted AND l.mode = 'ShareLock' AND ${isOf(sql, job)}`.values,
    ([row]) => Number(row?.[0])
  )

const decodeHolders = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      pid: Schema.Int,
      address: Schema.NullOr(Schema.String),
      since: Schema.NullOr(Schema.Finite)
    })
  )
)
