import { assert, describe, it } from "@effect/vitest"
import * as Bounded from "../../../src/pipeline/report/Bounded.ts"

describe("the elements of the highest rank", () => {
  it("are kept in order, of equal ranks the first, and no other one is made", () => {
    const top = Bounded.top<string>(3)
    let made = 0
    for (const [rank, value] of [
      [1, "a"],
      [5, "b"],
      [5, "c"],
      [0, "d"],
      [9, "e"],
      [5, "f"]
    ] as const) {
      top.add(rank, () => {
        made += 1
        return value
      })
    }
    assert.deepStrictEqual(top.values(), ["e", "b", "c"])
    assert.strictEqual(made, 4)
  })
})

describe("groups", () => {
  it("share one group beyond the first 200 names", () => {
    const groups = Bounded.groups(() => ({ count: 0 }))
    for (let name = 0; name < 1000; name++) groups.of(`step ${name % 500}`).count += 1
    assert.lengthOf(groups.entries(), 201)
    assert.strictEqual(groups.of(Bounded.others).count, 600)
  })
})
