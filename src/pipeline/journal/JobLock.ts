/**
 * Lets one process at a time run a job on a PostgreSQL database, by an advisory lock. It needs a connection of the pool
 * for as long as the run lasts. An SQLite file has the lock of `Sqlite.layer`.
 */
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import { JournalFailed } from "./JournalError.ts"

/** The longest wait for a second connection. */
const patience = "10 seconds"

const onlyConnection = new JournalFailed({
  detail: `no second connection within ${patience}, and the lock of the job holds one; let the pool have at least two`
})

/**
 * Tries to take the lock until the scope closes. The server releases it too when the process dies. Fails where the lock
 * holds the only connection of the pool: every later statement would wait for ever.
 */
export const take = (sql: SqlClient, job: string) =>
  sql.onDialectOrElse({
    pg: () =>
      Effect.flatMap(sql.reserve, (connection) => {
        const call = (name: string) =>
          connection.executeValues(`SELECT ${name}(hashtextextended(current_schema() || ' ' || $1, 0))`, [job])
        return Effect.acquireRelease(
          Effect.map(call("pg_try_advisory_lock"), ([row]) => row?.[0] === true),
          (isTaken) => (isTaken ? Effect.ignore(call("pg_advisory_unlock")) : Effect.void)
        ).pipe(
          Effect.tap(
            Effect.timeoutOrElse(sql`SELECT 1`, { duration: patience, orElse: () => Effect.fail(onlyConnection) })
          )
        )
      }),
    orElse: () => Effect.succeed(true)
  })
