import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import * as RedisServer from "../../../src/run/cluster/RedisServer.ts"
import { missing, redis, server } from "./redisServers.ts"

describe.skipIf(missing)(`a connection to Redis${missing}`, () => {
  it.live("fails calls at once while the server is away, and works when it is back, with another identity", () =>
    Effect.gen(function* () {
      const { kill, start, url } = yield* server()
      const { call, client, identity } = yield* RedisServer.connect(url)
      const before = yield* identity
      yield* kill
      yield* until(Effect.isFailure(call(() => client.ping())))
      const error = yield* Effect.flip(call(() => client.ping()))
      assert.include(error.message, "check that the server runs and that the address is right")
      yield* start
      yield* until(Effect.isSuccess(call(() => client.ping())))
      assert.notStrictEqual(yield* identity, before)
    }).pipe(Effect.scoped)
  )

  it.live("gives up calls to a server that hangs", () =>
    Effect.gen(function* () {
      const { freeze, url, wake } = yield* server()
      const { call, client } = yield* RedisServer.connect(url)
      yield* freeze
      const error = yield* Effect.flip(call(() => client.ping(), 200))
      assert.include(error.message, "no answer within 0.2 seconds")
      yield* wake
    }).pipe(Effect.scoped)
  )

  it.live("says what to do where the server refuses calls", () =>
    Effect.gen(function* () {
      const { url } = yield* server("--requirepass", "secret")
      const without = yield* Effect.flip(RedisServer.connect(url))
      assert.include(without.message, "add the password to the address: redis://:password@host:6379")
      const wrong = yield* Effect.flip(RedisServer.connect(url.replace("//", "//:other@")))
      assert.include(wrong.message, "correct the user and the password in the address")
      assert.notInclude(wrong.message, "other")
      yield* RedisServer.connect(url.replace("//", "//:secret@"))
    }).pipe(Effect.scoped)
  )

  it.live("says what to do where the server has no memory left", () =>
    Effect.gen(function* () {
      const { url } = yield* server("--maxmemory", "1", "--maxmemory-policy", "noeviction")
      const { call, client } = yield* RedisServer.connect(url)
      const error = yield* Effect.flip(call(() => client.set("key", "value")))
      assert.include(error.message, "the server has no memory left; raise its maxmemory, or remove keys of others")
    }).pipe(Effect.scoped)
  )

  it.live("warns once about a server that would remove keys, and about no other one", () =>
    Effect.gen(function* () {
      const { url } = yield* server("--maxmemory", "0", "--maxmemory-policy", "volatile-lru")
      assert.deepStrictEqual(yield* warnings(url), [])
      const change = (maxmemory: string, policy: string) =>
        redis(url, (client) => client.configSet({ maxmemory, "maxmemory-policy": policy }))
      yield* change("100mb", "noeviction")
      assert.deepStrictEqual(yield* warnings(url), [])
      yield* change("100mb", "allkeys-lru")
      assert.match(
        (yield* warnings(url)).join(),
        /maxmemory-policy allkeys-lru.*set its maxmemory-policy to noeviction/
      )
      assert.deepStrictEqual(yield* warnings(url), [])
    }).pipe(Effect.scoped)
  )
})

// Builders

const until = (condition: Effect.Effect<boolean>) =>
  Effect.repeat(Effect.delay(condition, "20 millis"), { until: (isMet) => isMet, times: 500 })

/** What connecting logs. */
const warnings = (url: string) =>
  Effect.suspend(() => {
    const messages: Array<unknown> = []
    const logger = Logger.make(({ message }) => void messages.push(message))
    return Effect.as(Effect.scoped(RedisServer.connect(url)), messages).pipe(Effect.provide(Logger.layer([logger])))
  })
