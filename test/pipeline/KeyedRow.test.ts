import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Dataset from "../../src/pipeline/Dataset.ts"
import * as KeyedRow from "../../src/pipeline/KeyedRow.ts"

describe("the rows of an input", () => {
  const source = Dataset.fromIterable(
    "people",
    Schema.Struct({ name: Schema.NullOr(Schema.String) }),
    Array.from({ length: 300 }, (_, index) => ({ name: index === 257 ? null : `person ${index}` }))
  )
  const key = ({ name }: { readonly name: string | null }) => name ?? missing()
  const missing = (): string => {
    throw new Error("it has no name")
  }

  it.effect("have their keys and their positions over all pages, and are invalid without a key", () =>
    Effect.gen(function* () {
      const pages = yield* Stream.runCollect(KeyedRow.pages({ source, key }))
      assert.deepStrictEqual(
        pages.map(({ first }) => first),
        [0, 256]
      )
      const rows = (yield* Effect.forEach(pages, (page) => page.rows)).flat()
      assert.lengthOf(rows.filter(Result.isSuccess), 299)
      const one = yield* pages[1]?.row(256) ?? Effect.die("no page")
      assert.deepInclude(Result.getOrThrow(one), { key: "person 256", ordinal: 256 })
      assert.deepStrictEqual(one, rows[256])
      const invalid = rows.find(Result.isFailure)
      assert.match(String(invalid?.failure), /people row 258: its key cannot be computed: it has no name/)
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
