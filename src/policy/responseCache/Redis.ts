/**
 * Redis as a store, shared by many machines. Its setting `maxmemory-policy` decides which entries it evicts when it is
 * full.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type BackingPersistence, layerBackingRedis } from "effect/persistence/Persistence"
import * as Redis from "effect/persistence/Redis"
import { Lease } from "./Lease.ts"

/** Redis as a store, with leases. */
export const layer: Layer.Layer<BackingPersistence, never, Redis.Redis> = Layer.merge(
  layerBackingRedis,
  Layer.effect(
    Lease,
    Effect.map(Redis.Redis, (redis): Lease => {
      const hold = redis.eval(holdScript)
      const release = redis.eval(releaseScript)
      return {
        hold: (key, holder, time) => Effect.map(hold(key, holder, Duration.toMillis(time)), (held) => held === 1),
        release
      }
    })
  )
)

const holdScript = Redis.script((key: string, holder: string, millis: number) => [key, holder, millis], {
  numberOfKeys: 1,
  lua: `
    local held = redis.call("GET", KEYS[1])
    if held and held ~= ARGV[1] then return 0 end
    redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
    return 1`
}).withReturnType<number>()

const releaseScript = Redis.script((key: string, holder: string) => [key, holder], {
  numberOfKeys: 1,
  lua: `if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end`
})
