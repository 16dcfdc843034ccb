import { assert, describe, it } from "@effect/vitest"
import * as Ramp from "../../../src/policy/rateLimit/Ramp.ts"

describe("Ramp", () => {
  it("begins with 8 calls in flight, and one more with each answer", () => {
    const ramp = Ramp.make()
    const first = ramp.started(0)
    assert.strictEqual(startAll(ramp, 0), 7)
    first.answered(false)
    assert.strictEqual(startAll(ramp, 0), 1)
  })

  it("doubles them with every two seconds without a refusal", () => {
    const ramp = Ramp.make()
    startAll(ramp, 0)
    assert.strictEqual(ramp.wait(500), 1500)
    assert.strictEqual(startAll(ramp, 2000), 8)
    assert.strictEqual(startAll(ramp, 4000), 16)
  })

  it("has no limit once an answer has limits", () => {
    const ramp = Ramp.make()
    ramp.started(0).answered(true)
    startAll(ramp, 0, 20)
    assert.strictEqual(ramp.wait(0), 0)
  })

  it("begins again with one call after a refusal", () => {
    const ramp = Ramp.make()
    const before = ramp.started(0)
    ramp.refused(1000)
    before.answered(false)
    before.ended()
    const first = ramp.started(2000)
    assert.strictEqual(ramp.wait(2000), 1000)
    first.answered(false)
    assert.strictEqual(startAll(ramp, 2000), 1)
  })

  it("does not count calls that end as in flight", () => {
    const ramp = Ramp.make()
    const { ended } = ramp.started(0)
    assert.strictEqual(startAll(ramp, 0), 7)
    ended()
    assert.strictEqual(startAll(ramp, 0), 1)
  })

  it("after an acceleration limit, sends what the last minute took, and half as many more in each minute", () => {
    const ramp = Ramp.make()
    ramp.started(0).answered(true)
    ramp.accelerated(0, 60)
    const passed = [0, 1, 2].map((minute) => {
      let started = 0
      for (let now = minute * 60_000; now < (minute + 1) * 60_000; now += 50) started += startAll(ramp, now)
      return started
    })
    assert.deepStrictEqual(passed, [59, 90, 135])
  })
})

// Builders

/** Starts as many calls as may start now, and returns their number. */
const startAll = (ramp: Ramp.Ramp, now: number, most = Infinity): number => {
  let started = 0
  for (; started < most && ramp.wait(now) === 0; started++) ramp.started(now)
  return started
}
