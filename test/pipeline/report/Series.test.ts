import { assert, describe, it } from "@effect/vitest"
import * as Series from "../../../src/pipeline/report/Series.ts"

describe("counts over time", () => {
  it("have slots of a second in a short run", () => {
    const series = Series.make()
    series.add(1200, { requests: 1, inputTokens: 5 })
    series.add(1900, { requests: 1 })
    series.add(3000, { lost: 1 })
    const { slots, width } = series.result()
    assert.strictEqual(width, 1000)
    assert.deepStrictEqual(
      slots.map(({ at, inputTokens, lost, requests }) => [at, requests, inputTokens, lost]),
      [
        [1000, 2, 5, 0],
        [3000, 0, 0, 1]
      ]
    )
  })

  it("lose no count and stay few where the run becomes long, in any order", () => {
    const series = Series.make()
    const hours = 30
    for (let second = 0; second < hours * 3600; second += 20) {
      series.add(((second * 7919) % (hours * 3600)) * 1000, { outputTokens: 2 })
    }
    const { slots, width } = series.result()
    assert.isAtMost(slots.length, 61)
    assert.isAtLeast(slots.length, 15)
    assert.strictEqual(width, 1_800_000)
    assert.strictEqual(
      slots.reduce((sum, { outputTokens }) => sum + outputTokens, 0),
      2 * hours * 180
    )
  })
})
