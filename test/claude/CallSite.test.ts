import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { CallSite, label, row, within } from "../../src/claude/CallSite.ts"

describe("CallSite", () => {
  it.effect("is empty outside of jobs and steps", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* CallSite, { job: undefined, row: undefined, path: [], labels: {} })
    })
  )

  it.effect("names the steps from the outermost to the innermost, the row and the labels while they run", () =>
    Effect.gen(function* () {
      const inner = yield* CallSite.pipe(
        within("inner"),
        label("tenant", "t1"),
        within("outer"),
        label("tenant", "t0"),
        label("arm", "a"),
        row("letters", "row-7")
      )
      assert.deepStrictEqual(inner, {
        job: "letters",
        row: "row-7",
        path: ["outer", "inner"],
        labels: { tenant: "t1", arm: "a" }
      })
      assert.deepStrictEqual((yield* CallSite).path, [])
    })
  )

  it.effect("is separate in each fiber", () =>
    Effect.gen(function* () {
      const paths = yield* Effect.forEach(
        ["a", "b"],
        (name) => within(name)(Effect.andThen(Effect.yieldNow, CallSite)),
        {
          concurrency: 2
        }
      )
      assert.deepStrictEqual(
        paths.map(({ path }) => path),
        [["a"], ["b"]]
      )
    })
  )
})
