import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Schema } from "effect"
import * as Nesting from "../../src/claude/Nesting.ts"
import { Tree } from "../fixtures.ts"

describe("a decoder that is limited", () => {
  it.effect("fails with an error of the schema where its stack overflows", () =>
    Effect.gen(function* () {
      let tree: Tree = { name: "a", branches: [] }
      for (let level = 0; level < 20_000; level++) tree = { name: "a", branches: [tree] }
      const error = yield* Effect.flip(Nesting.limited(Schema.decodeEffect(Tree)(tree)))
      assert.strictEqual(error.message, "Expected fewer levels of nesting")
    })
  )

  it.effect("keeps every other failure and defect", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Effect.flip(Nesting.limited(Effect.fail("wrong"))), "wrong")
      const range = new RangeError("toFixed() digits argument must be between 0 and 100")
      assert.deepStrictEqual(yield* Effect.exit(Nesting.limited(Effect.die(range))), Exit.failCause(Cause.die(range)))
    })
  )
})
