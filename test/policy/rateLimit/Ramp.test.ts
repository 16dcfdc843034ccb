import { assert, describe, it } from "@effect/vitest"
import * as Ramp from "../../../src/policy/rateLimit/Ramp.ts"

describe("Ramp", () => {
  it("begins with 8 calls in flight, and one more with each answer", () => {
    const ramp = Ramp.make()
    assert.strictEqual(startAll(ramp, 0), 8)
    ramp.ended()
    ramp.answered(false)
    assert.strictEqual(startAll(ramp, 0), 2)
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
    startAll(ramp, 0)
    ramp.answered(true)
    assert.strictEqual(ramp.wait(0), 0)
  })

  it("halves them after a refusal, and adds one for each round of answers", () => {
    const ramp = Ramp.make()
    startAll(ramp, 0)
    ramp.refused()
    for (let call = 0; call < 8; call++) ramp.ended()
    assert.strictEqual(startAll(ramp, 10_000), 4)
    for (let call = 0; call < 4; call++) ramp.answered(false)
    assert.strictEqual(startAll(ramp, 20_000), 1)
  })
})

// Builders

/** Starts as many calls as may start now, and returns their number. */
const startAll = (ramp: Ramp.Ramp, now: number): number => {
  let started = 0
  for (; ramp.wait(now) === 0; started++) ramp.started(now)
  return started
}
