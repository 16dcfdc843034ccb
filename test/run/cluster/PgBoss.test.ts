import { assert, describe, it } from "@effect/vitest"
import { randomUUID } from "node:crypto"
import { Context, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { Dispatcher } from "../../../src/pipeline/Dispatcher.ts"
import * as PgBoss from "../../../src/run/cluster/PgBoss.ts"
import * as Postgres from "../../../src/run/Postgres.ts"
import { cases } from "./queueCases.ts"

const url = process.env["TEST_DATABASE_URL"] ?? ""
const missing = url === "" ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : ""

describe("chunks on pg-boss", { concurrent: true }, () => {
  cases({
    missing,
    url,
    layer: PgBoss.layer,
    forgetRenewals: (name) =>
      query(
        (sql) =>
          sql`UPDATE effect_claude_queue.job SET heartbeat_on = heartbeat_on - INTERVAL '1 minute' WHERE name = ${name}`
      ),
    counts: (name) =>
      Effect.map(
        query((sql) => sql`SELECT state::text AS state FROM effect_claude_queue.job WHERE name = ${name}`),
        (jobs) => ({
          active: jobs.filter(({ state }) => state === "active").length,
          waiting: jobs.filter(({ state }) => state === "created" || state === "retry").length
        })
      ),
    unreachable: "postgres://someone:secret@127.0.0.1:1/none"
  })

  it.live.skipIf(missing)(`are counted when there are many, so that a fetch does not read all of them${missing}`, () =>
    Effect.gen(function* () {
      const name = `test-${randomUUID()}`
      yield* Effect.addFinalizer(() => Effect.orDie(PgBoss.remove({ url, name })))
      const one = Context.get(yield* Layer.build(PgBoss.layer({ url, name })), Dispatcher)
      yield* one.submit(Array.from({ length: 1000 }, (_, index) => ({ first: 100 * index, generation: 1 })))
      const known = SqlClient.use(
        (sql) =>
          sql`SELECT reltuples >= 1000 FROM pg_class WHERE oid = to_regclass('effect_claude_queue.job_common')`.values
      )
      assert.deepStrictEqual(yield* Effect.provide(known, Postgres.layer(url)), [[true]])
    }).pipe(Effect.scoped)
  )

  it.live.skipIf(missing)(`need no right but an own schema, and without it say what to do${missing}`, () =>
    Effect.gen(function* () {
      const { database, role } = yield* limited
      const address = new URL(database)
      address.searchParams.set("options", `-c role=${role}`)
      const layer = PgBoss.layer({ url: address.href, name: "test" })
      const error = yield* Effect.flip(Effect.scoped(Layer.build(layer)))
      assert.match(
        error.message,
        /permission denied for database .*; let its user create a schema \(GRANT CREATE ON DATABASE\), or create it/
      )
      const create = SqlClient.use((sql) => sql`CREATE SCHEMA effect_claude_queue AUTHORIZATION ${sql(role)}`)
      yield* Effect.provide(create, Postgres.layer(database))
      const { submit, take } = Context.get(yield* Layer.build(layer), Dispatcher)
      yield* submit([{ first: 0, generation: 1 }])
      assert.lengthOf(yield* take(1), 1)
    }).pipe(Effect.scoped)
  )
})

// Builders

const query = <A, E>(run: (sql: SqlClient) => Effect.Effect<A, E>) =>
  Effect.orDie(Effect.provide(SqlClient.use(run), Postgres.layer(url)))

/** An empty database, and a role that may only connect to it. */
const limited = Effect.gen(function* () {
  const role = `limited_${randomUUID().replaceAll("-", "")}`
  const admin = Context.get(yield* Layer.build(Postgres.layer(url)), SqlClient)
  yield* Effect.acquireRelease(admin`CREATE ROLE ${admin(role)}`, () => Effect.orDie(admin`DROP ROLE ${admin(role)}`))
  yield* Effect.acquireRelease(admin`CREATE DATABASE ${admin(role)}`, () =>
    Effect.orDie(admin`DROP DATABASE ${admin(role)} WITH (FORCE)`)
  )
  const database = new URL(url)
  database.pathname = role
  return { role, database: database.href }
})
