import { describe } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import * as PgBoss from "../../../src/run/cluster/PgBoss.ts"
import * as Postgres from "../../../src/run/Postgres.ts"
import { cases } from "./queueCases.ts"

const url = process.env["TEST_DATABASE_URL"] ?? ""
const missing = url === "" ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : ""

describe("chunks on pg-boss", () => {
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
})

// Builders

const query = <A, E>(run: (sql: SqlClient) => Effect.Effect<A, E>) =>
  Effect.orDie(Effect.provide(SqlClient.use(run), Postgres.layer(url)))
