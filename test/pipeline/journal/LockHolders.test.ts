import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { SqlClient } from "effect/sql/SqlClient"
import * as JobLock from "../../../src/pipeline/journal/JobLock.ts"
import * as LockHolders from "../../../src/pipeline/journal/LockHolders.ts"
import { postgres } from "./databases.ts"

describe.skipIf(postgres.missing !== "")(`the holders of the locks of a job on PostgreSQL${postgres.missing}`, () => {
  it.live("are the connection that runs it, until it ends", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      assert.isUndefined(yield* LockHolders.holder(sql, "a"))
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* JobLock.take(sql, "a")
          assert.isAbove((yield* LockHolders.holder(sql, "a"))?.pid ?? 0, 0)
          assert.isUndefined(yield* LockHolders.holder(sql, "another job"))
        })
      )
      assert.isUndefined(yield* LockHolders.holder(sql, "a"))
    }).pipe(Effect.provide(postgres.layer))
  )

  it.live("are the processes that work on it together, each as a run that lives until it leaves", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const scope = yield* Scope.make()
      const [one] = yield* Scope.provide(Effect.all([JobLock.share(sql, "a"), JobLock.share(sql, "a")]), scope)
      assert.strictEqual(yield* LockHolders.sharers(sql, "a"), 2)
      assert.deepStrictEqual(yield* living(sql), [])
      yield* Scope.provide(one?.liveAs(7, 3) ?? Effect.void, scope)
      assert.deepStrictEqual(yield* living(sql), [3])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual([yield* LockHolders.sharers(sql, "a"), yield* living(sql)], [0, []])
    }).pipe(Effect.provide(postgres.layer))
  )
})

// Builders

/** The runs of job 7 that live, of the first four. */
const living = (sql: SqlClient) =>
  Effect.map(
    sql`SELECT run FROM GENERATE_SERIES(1, 4) AS run WHERE ${LockHolders.isLiving(sql, 7, "run")}`.values,
    (rows) => rows.map(([run]) => run)
  )
