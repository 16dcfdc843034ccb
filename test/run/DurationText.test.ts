import { assert, describe, it } from "@effect/vitest"
import * as DurationText from "../../src/run/DurationText.ts"

describe("the text of a duration", () => {
  it("has the units that fit", () => {
    const durations = [0, 1.62, 9.97, 850, 1500, 42_000, 90_000, 3_600_000, 7_500_000, 200_000_000].map(DurationText.of)
    const texts = ["0 ms", "1.6 ms", "10 ms", "850 ms", "1.5 s", "42 s", "1 min 30 s", "1 h", "2 h 5 min", "2.3 days"]
    assert.deepStrictEqual(durations, texts)
  })

  it("is rounded before it is split into units", () => {
    const durations = [999.7, 9960, 59_700, 119_600, 3_599_900].map(DurationText.of)
    assert.deepStrictEqual(durations, ["1 s", "10 s", "1 min", "2 min", "1 h"])
  })
})
