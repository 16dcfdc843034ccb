/**
 * A store in memory with LRU eviction. Effect's store in memory evicts nothing. With Effect's `Cache`, a miss took 62
 * to 72 µs of CPU instead of 44 to 49.
 */
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { BackingPersistence, type BackingPersistenceStore } from "effect/persistence/Persistence"
import { LRUCache } from "lru-cache"

/** Reads an entry of one cache without an effect. */
export type Peek = (key: string) => object | undefined

const memories = new WeakMap<BackingPersistence["Service"], (storeId: string) => Peek>()

/** The `Peek` of a store that `layer` made; undefined for any other store. */
export const peekOf = (store: BackingPersistence["Service"], storeId: string): Peek | undefined =>
  memories.get(store)?.(storeId)

/** Keeps at most `capacity` entries, over all caches in the store. */
export const layer = (capacity: number): Layer.Layer<BackingPersistence> =>
  Layer.effect(
    BackingPersistence,
    Effect.map(Clock.Clock, (clock) => {
      // A test clock begins at 0, which the LRU cache reads as "never expires".
      const now = () => clock.currentTimeMillisUnsafe() + 1
      const entries = new LRUCache<string, object>({ max: capacity, perf: { now }, ttlResolution: 0 })

      const make = (prefix: string): BackingPersistenceStore => {
        const get = (key: string) => entries.get(prefix + key)
        const set = (key: string, value: object, timeToLive: Duration.Duration = Duration.infinity) => {
          const ttl = Duration.toMillis(timeToLive)
          // For the LRU cache, 0 means that the entry never expires.
          if (ttl === 0) entries.delete(prefix + key)
          else entries.set(prefix + key, value, { ttl: ttl === Infinity ? 0 : ttl })
        }
        return {
          get: (key) => Effect.sync(() => get(key)),
          getMany: (keys) => Effect.sync(() => Arr.map(keys, get)),
          set: (key, value, timeToLive) => Effect.sync(() => set(key, value, timeToLive)),
          setMany: (values) => Effect.sync(() => values.forEach((value) => set(...value))),
          remove: (key) => Effect.sync(() => entries.delete(prefix + key)),
          clear: Effect.sync(() => {
            for (const key of entries.keys()) if (key.startsWith(prefix)) entries.delete(key)
          })
        }
      }
      const prefixOf = (storeId: string) => `${encodeURIComponent(storeId)}:`
      const memory = BackingPersistence.of({ make: (storeId) => Effect.sync(() => make(prefixOf(storeId))) })
      memories.set(memory, (storeId) => {
        const prefix = prefixOf(storeId)
        return (key) => entries.get(prefix + key)
      })
      return memory
    })
  )
