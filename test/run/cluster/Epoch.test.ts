import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Epoch from "../../../src/run/cluster/Epoch.ts"
import * as RedisServer from "../../../src/run/cluster/RedisServer.ts"
import { missing, redis, server } from "./redisServers.ts"

describe.skipIf(missing)(`a queue on a Redis server${missing}`, () => {
  it.live("is whole once one process has sent all chunks, until the server restarts", () =>
    Effect.gen(function* () {
      const { kill, start, url } = yield* server("--appendonly", "yes", "--appendfsync", "always")
      const connected = yield* RedisServer.connect(url)
      const [one, other] = [Epoch.make(connected, "queue:"), Epoch.make(yield* RedisServer.connect(url), "queue:")]
      assert.isFalse(yield* one.isWhole)
      let sent = 0
      const sendAll = Effect.andThen(
        Effect.sync(() => void (sent += 1)),
        Effect.sleep("100 millis")
      )
      yield* Effect.all([one.repair(sendAll), other.repair(sendAll)], { concurrency: 2 })
      assert.deepStrictEqual([sent, yield* one.isWhole, yield* other.isWhole], [1, true, true])
      yield* kill
      yield* start
      yield* until(Effect.isSuccess(connected.call(() => connected.client.ping())))
      assert.isFalse(yield* one.isWhole)
      yield* one.repair(sendAll)
      assert.deepStrictEqual([sent, yield* one.isWhole], [2, true])
    }).pipe(Effect.scoped)
  )

  it.live("is not whole where sending has failed, or where the keys are gone", () =>
    Effect.gen(function* () {
      const { url } = yield* server()
      const epoch = Epoch.make(yield* RedisServer.connect(url), "queue:")
      yield* Effect.flip(epoch.repair(Effect.fail("no answer")))
      assert.isFalse(yield* epoch.isWhole)
      let sent = 0
      const sendAll = Effect.sync(() => void (sent += 1))
      yield* epoch.repair(sendAll)
      yield* redis(url, (client) => client.flushAll())
      yield* epoch.repair(sendAll)
      assert.strictEqual(sent, 2)
    }).pipe(Effect.scoped)
  )
})

// Builders

const until = (condition: Effect.Effect<boolean>) =>
  Effect.repeat(Effect.delay(condition, "20 millis"), { until: (isMet) => isMet, times: 500 })
