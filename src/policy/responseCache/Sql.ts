/**
 * PostgreSQL or SQLite as a store. Effect's layer deletes expired entries; this one also limits the number of entries.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type BackingPersistence, layerBackingSql } from "effect/persistence/Persistence"
import * as Schedule from "effect/Schedule"
import { SqlClient } from "effect/sql/SqlClient"
import { Redactor } from "../../claude/Redact.ts"
import { Lease } from "./Lease.ts"
import { defaultStoreId } from "./Store.ts"

/** The number of entries that a cache may hold, and its `storeId` if it is not the default one. */
export interface Options {
  readonly capacity?: number
  readonly storeId?: string
}

/**
 * A store with leases. Once a minute, it deletes the entries over `capacity`, beginning with those that expire first.
 * Entries that never expire are not counted.
 */
export const layer = ({ capacity, storeId = defaultStoreId }: Options = {}): Layer.Layer<
  BackingPersistence,
  never,
  SqlClient
> => {
  const store = Layer.merge(layerBackingSql, leases)
  return capacity === undefined ? store : Layer.provideMerge(pruning(storeId, capacity), store)
}

/** The clock of the machine that takes a lease decides when the lease expires. */
const leases = Layer.effect(
  Lease,
  Effect.gen(function* () {
    const sql = (yield* SqlClient).withoutTransforms()
    const createTable = sql`CREATE TABLE IF NOT EXISTS effect_claude_leases
        (id TEXT PRIMARY KEY, holder TEXT NOT NULL, expires BIGINT NOT NULL)`
    // PostgreSQL can refuse one of two processes that create the table at the same time. The table exists then.
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

/** Deletes the entries over `capacity` of one cache. Other caches may use the same table. */
const pruning = (storeId: string, capacity: number) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const sql = (yield* SqlClient).withoutTransforms()
      yield* sql`DELETE FROM effect_persistence WHERE store_id = ${storeId} AND expires <= (
        SELECT expires FROM effect_persistence WHERE store_id = ${storeId} AND expires IS NOT NULL
        ORDER BY expires DESC LIMIT 1 OFFSET ${capacity}
      )`.pipe(
        Effect.catch(({ message }) =>
          Effect.flatMap(Redactor, (redact) =>
            Effect.logWarning(
              `the response cache exceeds its capacity, since old entries cannot be deleted: ${redact(message)}`
            )
          )
        ),
        Effect.repeat(Schedule.spaced("1 minute")),
        Effect.forkScoped
      )
    })
  )
