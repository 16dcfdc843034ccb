import { assert, describe, it } from "@effect/vitest"
import * as Histogram from "../../../src/pipeline/report/Histogram.ts"

describe("a histogram of durations", () => {
  it("finds percentiles to 2 % and the exact longest one", () => {
    const histogram = Histogram.make()
    for (let milliseconds = 1; milliseconds <= 10_000; milliseconds++) histogram.add(milliseconds)
    const { classes, count, max, mean, p50, p95, p99 } = histogram.result() ?? assert.fail("it has durations")
    assert.deepStrictEqual([count, mean, max], [10_000, 5001, 10_000])
    for (const [found, exact] of [
      [p50, 5000],
      [p95, 9500],
      [p99, 9900]
    ] as const) {
      assert.isAtMost(Math.abs(found - exact), 0.02 * exact)
    }
    assert.strictEqual(
      classes.reduce((sum, { count }) => sum + count, 0),
      10_000
    )
    assert.isBelow(classes.length, 60)
  })

  it("gives classes of a few milliseconds a width", () => {
    const histogram = Histogram.make()
    for (const milliseconds of [1, 2, 2, 3]) histogram.add(milliseconds)
    const { classes } = histogram.result() ?? assert.fail("it has durations")
    assert.deepStrictEqual(classes, [
      { from: 1, to: 1.27, count: 1 },
      { from: 1.6, to: 2.03, count: 2 },
      { from: 2.56, to: 3.24, count: 1 }
    ])
  })

  it("has no result without a duration, and takes a duration of 0", () => {
    const histogram = Histogram.make()
    assert.isUndefined(histogram.result())
    histogram.add(0)
    assert.deepStrictEqual([histogram.result()?.p50, histogram.result()?.max], [0, 0])
  })
})
