import { assert, describe, it } from "@effect/vitest"
import { Progress } from "effect-claude"
import { Duration } from "effect"
import * as Pace from "../../../src/pipeline/progress/Pace.ts"
import { at } from "./events.ts"

describe("the rate of rows", () => {
  it("bases the rate and the time left on the current rate, not on the average", () => {
    const counted = { ...Progress.empty, total: 10_000 }
    // 600 rows in the first minute, then none in the next minute, then 10 a second again.
    const rows = (second: number) => (second <= 60 ? 10 * second : Math.max(600, 600 + 10 * (second - 120)))
    const rateAt = (end: number) => {
      let progress: Progress.Progress = counted
      for (let second = 1; second <= end; second++) {
        progress = Progress.tick({ ...progress, succeeded: rows(second) }, Duration.seconds(second))
      }
      return Number(/([\d.]+)\/s/.exec(Progress.line(progress))?.[1])
    }
    assert.approximately(rateAt(2), 10, 0.1)
    assert.approximately(rateAt(60), 10, 0.1)
    assert.isBelow(rateAt(120), 2)
    assert.approximately(rateAt(240), 10, 0.3)
  })

  it("has no rate while the rows are counted", () => {
    const counting = Progress.tick(Progress.empty, Duration.seconds(50))
    const counted = Progress.update(counting, at({ _tag: "rows-counted", total: 100, done: 0 }))
    const progress = Progress.tick({ ...counted, succeeded: 20 }, Duration.seconds(60))
    assert.include(Progress.line(progress), "20/100 rows · 2.0/s")
  })

  it("averages the rate of a slow job over its rows, so that the time left is steady", () => {
    let progress: Progress.Progress = { ...Progress.empty, total: 1000 }
    const rates: Array<number> = []
    for (let minute = 1; minute <= 60; minute++) {
      // One row a minute, shown 20 seconds after it finished.
      progress = Progress.tick({ ...progress, succeeded: minute }, Duration.seconds(60 * minute + 20))
      rates.push(Pace.rate(progress.pace) * 60)
    }
    for (const rate of rates.slice(20)) assert.approximately(rate, 1, 0.1)
  })
})
