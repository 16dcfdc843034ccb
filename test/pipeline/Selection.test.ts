import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Selection from "../../src/pipeline/Selection.ts"

describe("a sample", () => {
  it.effect.prop(
    "has the wanted size, does not depend on the order, and contains every smaller sample",
    [Schema.UniqueArray(Schema.Int), Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 }))],
    ([numbers, size]) =>
      Effect.gen(function* () {
        const keys = numbers.map(String)
        const chosen = yield* Selection.sampleOf(Stream.fromIterable(keys), size)
        assert.strictEqual(chosen.size, Math.min(size, keys.length))
        assert.deepStrictEqual(yield* Selection.sampleOf(Stream.fromIterable(keys.toReversed()), size), chosen)
        const larger = yield* Selection.sampleOf(Stream.fromIterable(keys), size + 1)
        assert.isTrue([...chosen].every((key) => larger.has(key)))
      })
  )

  it.effect("counts a repeated key once, and is drawn from all of many keys", () =>
    Effect.gen(function* () {
      const keys = Array.from({ length: 20_000 }, (_, index) => `key ${index % 10_000}`)
      const chosen = yield* Selection.sampleOf(Stream.fromIterable(keys), 10)
      assert.strictEqual(chosen.size, 10)
      assert.isAbove(new Set([...chosen].map((key) => key.at(4))).size, 3)
    })
  )
})
