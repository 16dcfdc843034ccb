/**
 * A store in memory that forgets what was used longest ago. Effect's own keeps everything.
 */
import * as Arr from "effect/Array"
import * as Cache from "effect/Cache"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { BackingPersistence } from "effect/persistence/Persistence"

/** What is held under a key, and for how long. */
interface Held {
  readonly value: object
  readonly timeToLive: Duration.Duration
}

/** Nothing is looked up: what is read was set. */
const lookup: (key: string) => Effect.Effect<Held> = () => Effect.die("the memory looks nothing up")

/** At most `capacity` entries of all caches together. */
export const layer = (capacity: number): Layer.Layer<BackingPersistence> =>
  Layer.effect(
    BackingPersistence,
    Effect.gen(function* () {
      const cache = yield* Cache.makeWith(lookup, {
        capacity,
        timeToLive: (exit) => (Exit.isSuccess(exit) ? exit.value.timeToLive : Duration.zero)
      })
      return {
        make: (storeId) => {
          const prefix = `${encodeURIComponent(storeId)}:`
          const get = (key: string) =>
            Effect.map(Cache.getOption(cache, prefix + key), (held) => Option.getOrUndefined(held)?.value)
          const set = (key: string, value: object, timeToLive = Duration.infinity) =>
            Cache.set(cache, prefix + key, { value, timeToLive })
          const remove = (key: string) => Cache.invalidate(cache, prefix + key)
          return Effect.succeed({
            get,
            getMany: (keys) =>
              Effect.map(Effect.forEach(keys, get), (values) => (Arr.isArrayNonEmpty(values) ? values : [undefined])),
            set,
            setMany: (entries) =>
              Effect.forEach(entries, ([key, value, timeToLive]) => set(key, value, timeToLive), { discard: true }),
            remove,
            clear: Effect.flatMap(Cache.keys(cache), (keys) =>
              Effect.forEach(
                [...keys].filter((key) => key.startsWith(prefix)),
                (key) => Cache.invalidate(cache, key),
                { discard: true }
              )
            )
          })
        }
      }
    })
  )
