import { assert, describe, it } from "@effect/vitest"
import * as TimeAxis from "../../../src/run/stateReport/TimeAxis.ts"

const start = Date.parse("2026-11-28T10:00:00.300Z")

const labels = (milliseconds: number) => {
  const { tickFormat, ticks } = TimeAxis.make(start, start + milliseconds)
  return ticks.map(tickFormat)
}

describe("the ticks of a time axis", () => {
  it("are round times", () => {
    assert.deepStrictEqual(labels(60_000), ["10:00:30", "10:01:00"])
    assert.deepStrictEqual(labels(900_000), ["10:05", "10:10", "10:15"])
    assert.deepStrictEqual(labels(1000), ["00.5", "01.0"])
  })

  it("have labels that differ, from 200 milliseconds to years", () => {
    for (let span = 200; span < 5e10; span *= 1.3) {
      const found = labels(span)
      assert.strictEqual(new Set(found).size, found.length, String(span))
      assert.isAtMost(found.length, 4)
      assert.isAtLeast(found.length, 1, String(span))
    }
  })
})
