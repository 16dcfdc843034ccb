import { assert, describe, it } from "@effect/vitest"
import { Dataset } from "effect-claude"
import { Effect, Schema, Stream } from "effect"
import * as Page from "../../src/pipeline/Page.ts"

describe("a page", () => {
  it.effect("decodes only the rows that are asked for", () =>
    Effect.gen(function* () {
      const decoded: Array<number> = []
      const Noted = Schema.Int.check(Schema.makeFilter((number) => decoded.push(number) > 0))
      const numbers = Array.from({ length: 300 }, (_, index) => index)
      const pages = yield* Stream.runCollect(Dataset.fromIterable("numbers", Noted, numbers).pages)
      assert.deepStrictEqual(
        pages.map(({ size }) => size),
        [256, 44]
      )
      const [, last] = pages
      if (last === undefined) return assert.fail("there is one page only")
      yield* last.decode(3)
      assert.deepStrictEqual(decoded, [259])
      assert.deepStrictEqual(last.place(3), { source: "numbers", unit: "row", number: 260 })
      assert.lengthOf(yield* Page.decode(last), 44)
    })
  )
})
