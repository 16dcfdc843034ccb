import { assert, describe, it } from "@effect/vitest"
import { randomUUID } from "node:crypto"
import { Context, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { Dispatcher } from "../../../src/pipeline/Dispatcher.ts"
import * as PgBoss from "../../../src/run/cluster/PgBoss.ts"
import * as Postgres from "../../../src/run/Postgres.ts"

const url = process.env["TEST_DATABASE_URL"] ?? ""
const missing = url === "" ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : ""

describe("chunks on pg-boss", () => {
  it.live.skipIf(missing)(`go to one process each, and are sent once${missing}`, () =>
    Effect.gen(function* () {
      const [one, other] = yield* two(`test-${randomUUID()}`)
      const chunks = Array.from({ length: 5 }, (_, index) => ({ first: 100 * index, generation: 1 }))
      yield* one.submit(chunks)
      yield* other.submit([...chunks.slice(2), { first: 500, generation: 1 }])
      const taken = yield* Effect.all([one.take(2), other.take(4), one.take(4)], { concurrency: 3 })
      const firsts = taken.flat().map(({ first }) => first)
      assert.deepStrictEqual(
        firsts.toSorted((a, b) => a - b),
        [0, 100, 200, 300, 400, 500]
      )
      assert.isTrue(taken.flat().every((lease) => lease.isHeld()))
    }).pipe(Effect.scoped)
  )

  it.live.skipIf(missing)(`are taken again at once when they are given back, and never when completed${missing}`, () =>
    Effect.gen(function* () {
      const [one, other] = yield* two(`test-${randomUUID()}`)
      yield* one.submit([
        { first: 0, generation: 1 },
        { first: 100, generation: 1 }
      ])
      const taken = yield* one.take(2)
      for (const lease of taken) yield* lease.first === 0 ? one.giveBack(lease) : one.complete(lease)
      assert.deepStrictEqual(
        (yield* other.take(2)).map(({ first }) => first),
        [0]
      )
      assert.deepStrictEqual(yield* one.take(2), [])
    }).pipe(Effect.scoped)
  )

  it.live.skipIf(missing)(
    `go to another process when the heartbeats of the first one stop, which then cannot end them${missing}`,
    () =>
      Effect.gen(function* () {
        const name = `test-${randomUUID()}`
        const [one, other] = yield* two(name)
        yield* one.submit([{ first: 0, generation: 1 }])
        const [lease] = yield* one.take(1)
        yield* withoutHeartbeats(name)
        const again = yield* Effect.repeat(Effect.delay(other.take(1), "100 millis"), {
          until: (leases) => leases.length > 0,
          times: 100
        })
        assert.deepStrictEqual(
          again.map(({ first }) => first),
          [0]
        )
        if (lease !== undefined) yield* one.complete(lease)
        assert.deepStrictEqual(yield* Effect.provide(states(name), Postgres.layer(url)), [["active"]])
        for (const lease of again) yield* other.complete(lease)
        assert.deepStrictEqual(yield* Effect.provide(states(name), Postgres.layer(url)), [["completed"]])
      }).pipe(Effect.scoped),
    20_000
  )

  it.live.skipIf(missing)(`cannot be handed out without a database${missing}`, () =>
    Effect.gen(function* () {
      const address = "postgres://someone:secret@127.0.0.1:1/none"
      const error = yield* Effect.flip(Layer.build(PgBoss.layer({ url: address, name: "test" })))
      assert.include(error.message, "//127.0.0.1:1/none")
      assert.notInclude(error.message, "secret")
    }).pipe(Effect.scoped)
  )
})

// Builders

/** Two processes on one queue. */
const two = (name: string) =>
  Effect.map(
    Effect.forEach([0, 1], () => Layer.build(PgBoss.layer({ url, name }))),
    ([one = Context.empty(), other = Context.empty()]) =>
      [Context.getUnsafe(one, Dispatcher), Context.getUnsafe(other, Dispatcher)] as const
  )

/** As if the last heartbeat of every chunk was a minute ago. */
const withoutHeartbeats = (name: string) =>
  Effect.provide(
    SqlClient.use(
      (sql) =>
        sql`UPDATE effect_claude_queue.job SET heartbeat_on = heartbeat_on - INTERVAL '1 minute' WHERE name = ${name}`
    ),
    Postgres.layer(url)
  )

const states = (name: string) =>
  SqlClient.use((sql) => sql`SELECT state::text FROM effect_claude_queue.job WHERE name = ${name}`.values)
