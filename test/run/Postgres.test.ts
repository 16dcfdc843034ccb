import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { createServer } from "node:net"
import { TLSSocket } from "node:tls"
import { generate } from "selfsigned"
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

describe("a failed connection to PostgreSQL", () => {
  it.live("may pass if no server answers, and needs a change if the address is wrong", () =>
    Effect.gen(function* () {
      const closed = yield* Effect.flip(userOf("postgres://user@127.0.0.1:1/jobs", {}))
      const wrong = yield* Effect.flip(userOf("postgres://127.0.0.1:port/jobs", {}))
      assert.deepInclude(closed, { _tag: "PostgresFailed", mayPass: true })
      assert.deepInclude(wrong, { _tag: "PostgresFailed", mayPass: false })
    })
  )
})

describe("a connection to PostgreSQL with TLS", () => {
  it.live("is refused without the authority of its certificate, and says how to name it", () =>
    Effect.gen(function* () {
      const port = yield* tlsServer
      const messageOf = (query: string) =>
        Effect.map(Effect.flip(userOf(`postgres://user@localhost:${port}/jobs${query}`, {})), ({ message }) => message)
      for (const mode of ["require", "verify-full"]) {
        assert.match(
          yield* messageOf(`?sslmode=${mode}`),
          /^postgres:.*self-signed certificate.*; set NODE_EXTRA_CA_CERTS to the file of the authority/
        )
      }
      assert.include(yield* messageOf("?sslmode=no-verify"), "; write sslmode=verify-full, or leave it out")
    }).pipe(Effect.scoped)
  )
})

// Builders

/** A server that only begins TLS, as PostgreSQL does where a client asks for it. Returns its port. */
const tlsServer = Effect.gen(function* () {
  const { cert, private: key } = yield* Effect.promise(() =>
    generate([{ name: "commonName", value: "localhost" }], { keyType: "ec", algorithm: "sha256" })
  )
  const server = createServer((socket) => {
    socket.once("data", () => {
      socket.write("S")
      new TLSSocket(socket, { isServer: true, cert, key }).on("error", () => socket.destroy())
    })
  })
  yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
  return yield* Effect.callback<number>((resume) => {
    server.listen(0, "localhost", () => {
      const address = server.address()
      resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
    })
  })
})

const absent = { PGUSER: "no such user", PGPASSWORD: "none" }

/** The user of a connection with these variables of the environment. */
const userOf = (url: string, env: Readonly<Record<string, string>>) =>
  SqlClient.use((sql) => sql`SELECT current_user`.values).pipe(
    Effect.map(([row]) => row?.[0]),
    Effect.provide(Layer.provide(Postgres.layer(url), ConfigProvider.layer(ConfigProvider.fromEnv({ env }))))
  )
