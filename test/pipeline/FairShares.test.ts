import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as FairShares from "../../src/pipeline/FairShares.ts"

describe("places that several parties want", () => {
  it("are divided equally between those that lack places", () => {
    assert.deepStrictEqual(FairShares.split(64, [100, 100]), [32, 32])
    assert.deepStrictEqual(FairShares.split(64, [100, 0, 100]), [32, 0, 32])
    assert.deepStrictEqual(FairShares.split(10, [100, 100, 100]), [4, 3, 3])
    assert.deepStrictEqual(FairShares.split(2, [9, 9, 9]), [1, 1, 0])
  })

  it("go to others where a party wants less than its share", () => {
    assert.deepStrictEqual(FairShares.split(64, [10, 100]), [10, 54])
    assert.deepStrictEqual(FairShares.split(64, [100, 5, 20, 100]), [20, 5, 20, 19])
  })

  it("are divided equally too where no party wants them", () => {
    assert.deepStrictEqual(FairShares.split(64, [0, 0]), [32, 32])
    assert.deepStrictEqual(FairShares.split(64, [20, 10]), [37, 27])
  })

  it.prop(
    "are all given out, and no party has more than another one that lacks places",
    [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 })), wantsOf()],
    ([total, wants]) => {
      const shares = FairShares.split(total, wants)
      const sum = shares.reduce((one, other) => one + other, 0)
      assert.strictEqual(sum, wants.length === 0 ? 0 : total)
      const lacking = shares.filter((share, party) => share < (wants[party] ?? 0))
      for (const least of lacking) for (const share of shares) assert.isAtMost(share, least + 1)
    }
  )
})

function wantsOf() {
  return Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })))
}
