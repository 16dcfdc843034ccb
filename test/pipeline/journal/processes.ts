/**
 * Processes that work on one job together, on PostgreSQL.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { SqlClient } from "effect/sql/SqlClient"
import * as Journal from "../../../src/pipeline/Journal.ts"
import { rowsOf, tickets } from "./runs.ts"

/** Submits a job of one row with these settings. */
export const submitted = (settings: Journal.Settings) =>
  Effect.scoped(
    Effect.flatMap(Layer.build(Journal.layer({ ...tickets, settings, submits: true })), (context) => {
      const { begin, claim } = Context.get(context, Journal.Journal)
      return begin(claim(rowsOf("a").map((row) => ({ ...row, form: "json", encoded: { id: row.key } }))))
    })
  )

/** A process that joins, with the number of its run. `end` ends it in order. */
export const joinedAs = Effect.fnUntraced(function* (settings: Journal.Settings) {
  const scope = yield* Scope.make()
  const end = Scope.close(scope, Exit.void)
  yield* Effect.addFinalizer(() => end)
  const context = yield* Scope.provide(Layer.build(Journal.layerWorker({ ...tickets, settings })), scope)
  const sql = yield* SqlClient
  const [run] = yield* sql`SELECT MAX(run) FROM effect_claude_runs`.values
  return {
    journal: Context.get(context, Journal.Journal),
    chunks: Context.get(context, Journal.Chunks),
    run: Number(run?.[0]),
    end
  }
})

export const joined = joinedAs({})

/** Closes the connection of a process, as when it dies, and returns when it is closed. */
export const dies = (run: number) =>
  SqlClient.use(
    (sql) => sql`SELECT pg_terminate_backend(l.pid, 5000) FROM pg_locks l, effect_claude_jobs j
      WHERE l.locktype = 'advisory' AND (CAST(l.classid AS BIGINT) << 32) | CAST(l.objid AS BIGINT)
        = hashtextextended(current_schema() || ' effect_claude run ' || j.id || ' ' || ${String(run)}, 0)`
  )
