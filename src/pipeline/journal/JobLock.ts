/**
 * Lets one process at a time run a job on a PostgreSQL database, by an advisory lock. It needs a connection of the pool
 * for as long as the run lasts. An SQLite file has the lock of `Sqlite.layer`.
 */
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"

/** Tries to take the lock until the scope closes. The server releases it too when the process dies. */
export const take = (sql: SqlClient, job: string) =>
  sql.onDialectOrElse({
    pg: () =>
      Effect.flatMap(sql.reserve, (connection) => {
        const call = (name: string) =>
          connection.executeValues(`SELECT ${name}(hashtextextended(current_schema() || ' ' || $1, 0))`, [job])
        return Effect.acquireRelease(
          Effect.map(call("pg_try_advisory_lock"), ([row]) => row?.[0] === true),
          (isTaken) => (isTaken ? Effect.ignore(call("pg_advisory_unlock")) : Effect.void)
        )
      }),
    orElse: () => Effect.succeed(true)
  })
