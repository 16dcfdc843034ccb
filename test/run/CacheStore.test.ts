import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { BackingPersistence } from "effect/persistence/Persistence"
import { vi } from "vitest"
import * as CacheStore from "../../src/run/CacheStore.ts"
import { postgres } from "../pipeline/journal/databases.ts"

const { TEST_DATABASE_URL, TEST_REDIS_URL } = process.env

const stores = [
  { name: "an SQLite file", place: "file", missing: "" },
  { name: "PostgreSQL", place: TEST_DATABASE_URL ?? "", missing: postgres.missing },
  {
    name: "Redis",
    place: TEST_REDIS_URL ?? "",
    missing: TEST_REDIS_URL === undefined ? ": TEST_REDIS_URL is not set (redis-server)" : ""
  }
]

for (const { missing, name, place } of stores) {
  it.live.skipIf(missing !== "")(`a cache in ${name} gives back what was stored${missing}`, () =>
    Effect.gen(function* () {
      const layer = CacheStore.layer(place === "file" ? join(yield* folder, "cache.sqlite") : place)
      const entry = { answer: "hi" }
      yield* inStore(layer, (store) => store.set("a", entry, undefined))
      assert.deepStrictEqual(yield* inStore(layer, (store) => store.get("a")), entry)
      yield* inStore(layer, (store) => store.remove("a"))
    })
  )
}

describe("an unusable address is refused with a remedy, and without its password", () => {
  it.live.each([
    ["postgres://me:secret@127.0.0.1:1/x", /postgres:\/\/127\.0\.0\.1:1\/x: .*ECONNREFUSED.*; check that the server/],
    ["postgresql://me@127.0.0.1:1/x?password=secret", /postgresql:\/\/127\.0\.0\.1:1\/x: .*ECONNREFUSED/],
    ["postgres://me:secret@127.0.0.1:port/x", /this is no address; write postgres:\/\/host:5432\/database/],
    ["redis://me:secret@127.0.0.1:port", /redis:\/\/127\.0\.0\.1:port: this is no address; write redis:\/\/host:6379/],
    ["mysql://me:secret@host/x", /mysql:\/\/host\/x: this address is not known; use the path of a file, redis:/]
  ] as const)("%s", ([place, message]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(opened(CacheStore.layer(place)))
      assert.instanceOf(error, CacheStore.CacheStoreFailed)
      assert.match(error.message, message)
      assert.match(error.message, /^the cache cannot be opened: .* \(flag: --cache\)$/)
      assert.notInclude(error.message, "secret")
    })
  )

  it.live.skipIf(postgres.missing !== "")(`a database or a user that does not exist${postgres.missing}`, () =>
    Effect.gen(function* () {
      const messageOf = (field: "pathname" | "username", value: string) => {
        const url = new URL(TEST_DATABASE_URL ?? "")
        url[field] = value
        return Effect.map(Effect.flip(opened(CacheStore.layer(url.href))), ({ message }) => message)
      }
      assert.include(
        yield* messageOf("pathname", "no_such_database"),
        'database "no_such_database" does not exist; create it with `createdb`, or correct the name in the address'
      )
      assert.match(yield* messageOf("username", "no_such_user"), /; correct the (user|password) in the address/)
    })
  )
})

it.live("a file that is not a database is refused by name", () =>
  Effect.gen(function* () {
    const path = join(yield* folder, "diary")
    writeFileSync(path, "Dear diary, today it rained.")
    const { message } = yield* Effect.flip(opened(CacheStore.layer(path)))
    assert.strictEqual(
      message,
      `the cache cannot be opened: ${path}: file is not a database; ` +
        "use another file, or move this one away (flag: --cache)"
    )
  })
)

it.live("a missing package is named with the command that installs it", () =>
  Effect.gen(function* () {
    vi.doMock("@effect/sql-pg/PgClient", () => {
      throw new Error("Cannot find package")
    })
    yield* Effect.addFinalizer(() => Effect.sync(() => vi.doUnmock("@effect/sql-pg/PgClient")))
    const { message } = yield* Effect.flip(opened(CacheStore.layer("postgres://host/database")))
    assert.include(message, "the package @effect/sql-pg is missing: npm install @effect/sql-pg")
  })
)

// Builders

type Store = Effect.Success<ReturnType<BackingPersistence["Service"]["make"]>>

const inStore = <A, E>(
  layer: Layer.Layer<BackingPersistence, CacheStore.CacheStoreFailed>,
  use: (store: Store) => Effect.Effect<A, E>
) =>
  BackingPersistence.use((backing) => Effect.flatMap(backing.make("effect-claude-test"), use)).pipe(
    Effect.scoped,
    Effect.provide(layer)
  )

const opened = <A, E>(layer: Layer.Layer<A, E>) => Effect.scoped(Layer.build(layer))

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "cache-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)
