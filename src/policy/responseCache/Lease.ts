/**
 * Single flight among processes: whoever holds the lease of a key asks, the others wait for what it stores. Redis and
 * SQL databases can keep leases; a lease that is not renewed, since its process was killed, runs out.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type BackingPersistence, layerBackingRedis, layerBackingSql } from "effect/persistence/Persistence"
import * as Redis from "effect/persistence/Redis"
import { SqlClient } from "effect/sql/SqlClient"

/** Who may ask for what. Fails in the ways of its store. */
export interface Lease {
  /** Takes or prolongs the lease of a key; false where another has it. */
  readonly hold: (key: string, holder: string, time: Duration.Duration) => Effect.Effect<boolean, unknown>
  /** Gives it back, where one has it. */
  readonly release: (key: string, holder: string) => Effect.Effect<unknown, unknown>
}

/** The leases that come with the store; by default every process asks for itself. */
export const Lease: Context.Reference<Lease | undefined> = Context.Reference("effect-claude/ResponseCache/Lease", {
  defaultValue: (): Lease | undefined => undefined
})

/** Redis as a store, with leases. */
export const layerRedis: Layer.Layer<BackingPersistence, never, Redis.Redis> = Layer.merge(
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

/** Postgres or SQLite as a store, with leases. They are by the clocks of the machines that take them. */
export const layerSql: Layer.Layer<BackingPersistence, never, SqlClient> = Layer.merge(
  layerBackingSql,
  Layer.effect(
    Lease,
    Effect.gen(function* () {
      const sql = (yield* SqlClient).withoutTransforms()
      const createTable = sql`CREATE TABLE IF NOT EXISTS effect_claude_leases
        (id TEXT PRIMARY KEY, holder TEXT NOT NULL, expires BIGINT NOT NULL)`
      // Two that create a table at the same moment can fail in Postgres; then it is there.
      yield* Effect.orDie(Effect.retry(createTable, { times: 1 }))
      return {
        hold: Effect.fnUntraced(function* (id, holder, time) {
          const now = yield* Clock.currentTimeMillis
          const lease = { id, holder, expires: now + Duration.toMillis(time) }
          const held = yield* sql`INSERT INTO effect_claude_leases ${sql.insert(lease)}
            ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, expires = excluded.expires
              WHERE effect_claude_leases.holder = excluded.holder OR effect_claude_leases.expires <= ${now}
            RETURNING id`
          return held.length > 0
        }),
        release: (id, holder) => sql`DELETE FROM effect_claude_leases WHERE id = ${id} AND holder = ${holder}`
      }
    })
  )
)
