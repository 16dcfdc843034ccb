import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
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

  it.effect("notices at the next turn that another process wrote in the same moment", () =>
    Effect.gen(function* () {
      const values = yield* KeyValueStore.KeyValueStore
      // Both have checked before one of them writes.
      const slow = {
        ...values,
        set: (key: string, text: string | Uint8Array) => Effect.delay(values.set(key, text), 10)
      }
      const both = [yield* Store.open(slow, "anna"), yield* Store.open(slow, "anna")]
      const turns = ["One?", "Two?"].map((content) => extend(empty, { messages: [{ role: "user", content }] }))
      const saving = yield* Effect.forkChild(
        Effect.forEach(both, ({ store }, at) => store.save(turns[at] ?? empty), { concurrency: 2, discard: true })
      )
      yield* TestClock.adjust(10)
      yield* Fiber.join(saving)
      const checks = yield* Effect.forEach(both, ({ store }) => Effect.result(store.check))
      assert.deepStrictEqual(checks.map(Result.isSuccess), [false, true])
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
