import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import * as Postgres from "../../src/run/Postgres.ts"

const { TEST_DATABASE_URL = "" } = process.env
const missing =
  TEST_DATABASE_URL === "" ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : ""

describe.skipIf(missing)(`a connection to PostgreSQL${missing}`, () => {
  it.effect("has the user and the password of the environment where the address has none", () =>
    Effect.gen(function* () {
      const { hostname, password, pathname, port, username } = new URL(TEST_DATABASE_URL)
      const place = `${hostname}:${port}${pathname}`
      const own = { PGUSER: decodeURIComponent(username), PGPASSWORD: decodeURIComponent(password) }
      assert.strictEqual(yield* userOf(`postgres://${place}`, own), own.PGUSER)
      assert.match((yield* Effect.flip(userOf(`postgres://${place}`, absent))).message, /"no such user"/)
    })
  )

  it.effect("prefers those of the address, and takes an empty variable for none", () =>
    Effect.gen(function* () {
      const user = decodeURIComponent(new URL(TEST_DATABASE_URL).username)
      assert.strictEqual(yield* userOf(TEST_DATABASE_URL, absent), user)
      assert.strictEqual(yield* userOf(TEST_DATABASE_URL, { PGUSER: "", PGPASSWORD: "" }), user)
    })
  )
})

// Builders

const absent = { PGUSER: "no such user", PGPASSWORD: "none" }

/** The user of a connection with these variables of the environment. */
const userOf = (url: string, env: Readonly<Record<string, string>>) =>
  SqlClient.use((sql) => sql`SELECT current_user`.values).pipe(
    Effect.map(([row]) => row?.[0]),
    Effect.provide(Layer.provide(Postgres.layer(url), ConfigProvider.layer(ConfigProvider.fromEnv({ env }))))
  )
