/**
 * Postgres or SQLite as a store. Effect's layer deletes what has expired; how much there may be is looked after here.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type BackingPersistence, layerBackingSql } from "effect/persistence/Persistence"
import * as Schedule from "effect/Schedule"
import { SqlClient } from "effect/sql/SqlClient"
import { Lease } from "./Lease.ts"

/**
 * A store with leases. Where a `capacity` is given, what is above it is deleted once a minute, of all caches together,
 * and first what would expire first; what lives for ever is not counted.
 */
export const layer = (options?: { readonly capacity?: number }): Layer.Layer<BackingPersistence, never, SqlClient> => {
  const store = Layer.merge(layerBackingSql, leases)
  return options?.capacity === undefined ? store : Layer.provideMerge(pruning(options.capacity), store)
}

/** They are by the clocks of the machines that take them. */
const leases = Layer.effect(
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

/** It needs the table of the store. */
const pruning = (capacity: number) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const sql = (yield* SqlClient).withoutTransforms()
      yield* sql`DELETE FROM effect_persistence WHERE expires <= (
        SELECT expires FROM effect_persistence WHERE expires IS NOT NULL
        ORDER BY expires DESC LIMIT 1 OFFSET ${capacity}
      )`.pipe(
        Effect.catch((cause) => Effect.logWarning("the response cache cannot be kept to its capacity", cause)),
        Effect.repeat(Schedule.spaced("1 minute")),
        Effect.forkScoped
      )
    })
  )
