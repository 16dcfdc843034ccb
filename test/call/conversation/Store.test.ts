import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Store from "../../../src/call/conversation/Store.ts"
import { extend, type History, empty } from "../../../src/call/conversation/History.ts"
import { thinking } from "../../fixtures.ts"

describe("the store of a conversation", () => {
  it.effect("returns every field of a block as it was stored", () =>
    Effect.gen(function* () {
      const values = yield* KeyValueStore.KeyValueStore
      const compaction = { type: "compaction", content: "A summary.", encrypted_content: "x", signature: "s" } as const
      const content = [thinking, compaction, { type: "text", text: "Yes.", citations: null } as const]
      const history: History = {
        ...extend(empty, {
          messages: [
            { role: "user", content: "One?" },
            { role: "assistant", content }
          ],
          model: "claude-sonnet-5-5",
          tokens: 10
        }),
        tools: [{ name: "weather", input_schema: { type: "object" } }]
      }
      const { store } = yield* Store.open(values, "anna")
      yield* store.save(history)
      const { history: read, isNew } = yield* Store.open(values, "anna")
      assert.deepStrictEqual([read, isNew], [history, false])
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )

  it.effect("notices a write between a write and the next turn", () =>
    Effect.gen(function* () {
      const values = yield* KeyValueStore.KeyValueStore
      const [one, other] = [yield* Store.open(values, "anna"), yield* Store.open(values, "anna")]
      yield* one.store.save(extend(empty, { messages: [{ role: "user", content: "One?" }] }))
      assert.strictEqual((yield* Effect.flip(other.store.check))._tag, "ConversationChanged")
      assert.strictEqual((yield* Effect.flip(other.store.save(empty)))._tag, "ConversationChanged")
      yield* one.store.check
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )

  it.effect("reports the failure of the store, with the turn that is not stored", () =>
    Effect.gen(function* () {
      const failure = new KeyValueStore.KeyValueStoreError({ method: "set", message: "the disk is full" })
      const values = KeyValueStore.makeStringOnly({
        get: () => Effect.undefined,
        set: () => Effect.fail(failure),
        remove: () => Effect.void,
        clear: Effect.void,
        size: Effect.succeed(0),
        keys: Effect.succeed([])
      })
      const { store } = yield* Store.open(values, "anna")
      const messages = [{ role: "user" as const, content: "A secret?" }]
      const error = yield* Effect.flip(store.save(extend(empty, { messages }), messages))
      assert.strictEqual(error.message, 'the store of the conversation "anna" failed: the disk is full')
      assert.deepStrictEqual(error._tag === "ConversationStoreFailed" && error.unsaved, messages)
      assert.notInclude(JSON.stringify(error), "secret")
    })
  )
})
