import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { BackingPersistence, layerBackingMemory } from "effect/persistence/Persistence"
import * as TestClock from "effect/testing/TestClock"
import * as Memory from "../../../src/policy/responseCache/Memory.ts"

describe("a store in memory", () => {
  it.effect("evicts the least recently used value across all its caches", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* cache("one"), yield* cache("other")]
      yield* one.set("a", { value: 1 }, undefined)
      yield* other.set("a", { value: 2 }, undefined)
      yield* one.get("a")
      yield* one.set("b", { value: 3 }, undefined)
      assert.deepStrictEqual(yield* one.getMany(["a", "b"]), [{ value: 1 }, { value: 3 }])
      assert.isUndefined(yield* other.get("a"))
    }).pipe(Effect.provide(Memory.layer(2)))
  )

  it.effect("keeps a value for its time to live, from time zero on, and stores nothing if that is zero", () =>
    Effect.gen(function* () {
      const store = yield* cache("one")
      yield* store.set("a", { value: 1 }, Duration.seconds(2))
      yield* store.set("b", { value: 2 }, Duration.infinity)
      yield* store.set("c", { value: 3 }, Duration.zero)
      assert.deepStrictEqual(yield* store.getMany(["a", "b", "c"]), [{ value: 1 }, { value: 2 }, undefined])
      yield* TestClock.adjust("2001 millis")
      assert.deepStrictEqual(yield* store.getMany(["a", "b", "c"]), [undefined, { value: 2 }, undefined])
    }).pipe(Effect.provide(Memory.layer(10)))
  )

  it.effect("clears one cache, and keeps the others", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* cache("one"), yield* cache("one:more")]
      yield* one.set("a", { value: 1 }, undefined)
      yield* other.set("a", { value: 2 }, undefined)
      yield* one.clear
      assert.deepStrictEqual([yield* one.get("a"), yield* other.get("a")], [undefined, { value: 2 }])
    }).pipe(Effect.provide(Memory.layer(10)))
  )

  it.effect("is distinguished from Effect's own memory store", () =>
    Effect.gen(function* () {
      const memory = yield* Effect.provide(BackingPersistence, Memory.layer(10))
      yield* Effect.scoped(Effect.flatMap(memory.make("a"), (store) => store.set("k", { of: "a" }, undefined)))
      assert.deepStrictEqual(Memory.peekOf(memory, "a")?.("k"), { of: "a" })
      assert.isUndefined(Memory.peekOf(memory, "b")?.("k"))
      assert.isUndefined(Memory.peekOf(yield* Effect.provide(BackingPersistence, layerBackingMemory), "a"))
    })
  )
})

const cache = (storeId: string) => Effect.flatMap(BackingPersistence, ({ make }) => make(storeId))
