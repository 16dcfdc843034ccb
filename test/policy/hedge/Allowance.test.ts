import { assert, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Allowance from "../../../src/policy/hedge/Allowance.ts"

const Op = Schema.Literals(["earn", "take", "giveBack"])

it.prop(
  "never allows more than the share of the calls so far",
  [Schema.Array(Op), Schema.Literals([0.05, 0.1, 1 / 3, 1])],
  ([ops, share]) => {
    const allowance = Allowance.make(share)
    let calls = 0
    let taken = 0
    for (const op of ops.flatMap((op) => (op === "earn" ? Array.from({ length: 7 }, () => op) : [op]))) {
      if (op === "earn") {
        allowance.earn()
        calls += 1
      } else if (op === "take") {
        if (allowance.take()) taken += 1
      } else if (taken > 0) {
        allowance.giveBack()
        taken -= 1
      }
      assert.isAtMost(taken, calls * share + 1e-6)
    }
  }
)

it("allows one in 20 with a share of 0.05, and saves up 10 at most", () => {
  const allowance = Allowance.make(0.05)
  const earn = (calls: number) => {
    for (let call = 0; call < calls; call++) allowance.earn()
  }
  earn(19)
  assert.isFalse(allowance.take())
  earn(1)
  assert.deepStrictEqual([allowance.take(), allowance.take()], [true, false])
  earn(10_000)
  assert.lengthOf(
    Array.from({ length: 20 }, allowance.take).filter((taken) => taken),
    10
  )
})
