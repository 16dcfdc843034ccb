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
    startAll(ramp, 0, 59)
    ramp.accelerated(0, 60_000)
    assert.deepStrictEqual(
      [1, 2, 3].map((minute) => startedIn(ramp, minute * 60_000, 60_000)),
      [60, 90, 135]
    )
  })

  it("after an acceleration limit with a short pause, does not take the first second for a minute", () => {
    const ramp = Ramp.make()
    ramp.started(0).answered(true)
    startAll(ramp, 500, 19)
    ramp.accelerated(1000, 3000)
    assert.deepStrictEqual(
      [4000, 14_000, 24_000].map((from) => startedIn(ramp, from, 10_000)),
      [54, 75, 112]
    )
  })

  it("forgets an acceleration limit once it has grown beyond all limits", () => {
    const ramp = Ramp.make()
    ramp.started(0).answered(true)
    startAll(ramp, 0, 59)
    ramp.accelerated(0, 1000)
    for (let now = 0; now < 3_600_000; now += 10_000) ramp.wait(now)
    assert.strictEqual(startAll(ramp, 3_600_000, 100_000), 100_000)
  })
})

// Builders

/** Starts as many calls as may start now, and returns their number. */
const startAll = (ramp: Ramp.Ramp, now: number, most = Infinity): number => {
  let started = 0
  for (; started < most && ramp.wait(now) === 0; started++) ramp.started(now)
  return started
}

/** Starts all calls that may start in this time, and returns their number. */
const startedIn = (ramp: Ramp.Ramp, from: number, time: number): number => {
  let started = 0
  for (let now = from; now < from + time; now += 50) started += startAll(ramp, now)
  return started
}
