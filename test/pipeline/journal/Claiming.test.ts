import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Journal from "../../../src/pipeline/Journal.ts"
import { postgres, sqlite } from "./databases.ts"
import { begun, rowsOf } from "./runs.ts"

for (const { layer: database, missing, name } of [sqlite, postgres]) {
  describe.skipIf(missing !== "")(`the claims of a journal in ${name}${missing}`, () => {
    it.effect("name the place of the first row with the same key", () =>
      Effect.gen(function* () {
        const { claim } = yield* Journal.Journal
        assert.deepStrictEqual(yield* claim(rowsOf("a", "b", "a")), [
          { status: "pending", ordinal: 0 },
          { status: "pending", ordinal: 1 },
          { status: "duplicate", ordinal: 0 }
        ])
        const more = [
          { key: "c", ordinal: 3 },
          { key: "b", ordinal: 4 },
          { key: "c", ordinal: 5 }
        ]
        assert.deepStrictEqual(yield* claim(more), [
          { status: "pending", ordinal: 3 },
          { status: "duplicate", ordinal: 1 },
          { status: "duplicate", ordinal: 3 }
        ])
      }).pipe(Effect.provide(Layer.provide(begun(), database)))
    )
  })
}
