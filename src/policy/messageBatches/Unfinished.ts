/**
 * Loads the batches that an earlier process left unfinished, at the first call of each store.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { BatchIntent, ReplyStore } from "../../claude/ReplyStore.ts"
import * as Call from "./Call.ts"
import type { Lane } from "./Lanes.ts"

/** `resume` continues with a batch in the background. */
export const make = (
  resume: (lane: Lane, store: ReplyStore, intent: BatchIntent, calls: Map<string, Call.Call>) => void,
  fork: (lane: Lane, effect: Effect.Effect<void>) => void
) => {
  const ledgers = new WeakMap<ReplyStore, Deferred.Deferred<Call.Ledger>>()

  const load = Effect.fnUntraced(function* (lane: Lane, store: ReplyStore) {
    const ledger: Call.Ledger = { open: new Map(), early: new Set() }
    for (const intent of yield* Effect.orDie(store.unfinished)) {
      const calls = new Map<string, Call.Call>()
      for (const { call: key, customId, requestHash } of intent.items) {
        const place = Call.placeOf(ledger, key, requestHash)
        const call = Call.make({ lane, request: undefined, place, state: "sent" })
        calls.set(customId, call)
        ledger.open.set(place.id, call)
      }
      resume(lane, store, intent, calls)
    }
    return ledger
  })

  return (lane: Lane, store: ReplyStore): Effect.Effect<Call.Ledger> =>
    Effect.suspend(() => {
      const known = ledgers.get(store)
      if (known !== undefined) return Deferred.await(known)
      const loaded = Deferred.makeUnsafe<Call.Ledger>()
      ledgers.set(store, loaded)
      fork(lane, Effect.asVoid(Deferred.complete(loaded, load(lane, store))))
      return Deferred.await(loaded)
    })
}
