/**
 * Notices that a Redis server may have lost the chunks of a queue, by a key that has the identity of the server. After a
 * restart or a failover, the server may lack chunks, or hand out chunks for a second time that a process still works on. So
 * the queue hands out none until all were sent again.
 */
import * as Effect from "effect/Effect"
import type { DispatcherFailed } from "../../pipeline/Dispatcher.ts"
import type { RedisServer } from "./RedisServer.ts"

/** A process that has not sent all chunks again after this time may have died, in milliseconds. */
const longestRepair = 15_000

/** The epoch of a queue whose keys begin with `prefix`. */
export const make = ({ call, client, identity, onReconnect }: RedisServer, prefix: string) => {
  const key = `${prefix}epoch`
  const lock = `${prefix}repair`
  const isCurrent = Effect.gen(function* () {
    const stored = yield* call(() => client.get(key))
    return stored === (yield* identity)
  })
  let isKnown = false
  onReconnect(() => {
    isKnown = false
  })
  return {
    /** Whether the server has had all chunks, as far as this connection knows. */
    isWhole: Effect.suspend(() => {
      if (isKnown) return Effect.succeed(true)
      return Effect.map(isCurrent, (current) => {
        isKnown = current
        return current
      })
    }),
    /** Runs `sendAll` if the server may have lost chunks, and no other process does it. */
    repair: Effect.fnUntraced(function* <E, R>(
      sendAll: Effect.Effect<void, E, R>
    ): Effect.fn.Return<void, E | DispatcherFailed, R> {
      if (yield* isCurrent) return
      const isFirst = yield* call(() =>
        client.set(lock, "", { condition: "NX", expiration: { type: "PX", value: longestRepair } })
      )
      if (isFirst === null) return
      const server = yield* identity
      yield* Effect.ensuring(
        Effect.andThen(
          sendAll,
          call(() => client.set(key, server))
        ),
        Effect.ignore(call(() => client.del(lock)))
      )
    })
  }
}
