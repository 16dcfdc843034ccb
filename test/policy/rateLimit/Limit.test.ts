import { assert, describe, it } from "@effect/vitest"
import * as Limit from "../../../src/policy/rateLimit/Limit.ts"

describe("a limit that is not known", () => {
  it("lets every amount pass", () => {
    assert.strictEqual(Limit.make(undefined, 0).wait(0, 1e9), 0)
  })

  it("is learnt from an answer; calls in flight may be in its figures, or not", () => {
    const limit = Limit.make(undefined, 0)
    const held = [limit.take(0, 1), limit.take(0, 1), limit.take(0, 1)]
    held[0]?.learn(1000, { limit: 60, remaining: 4 })
    held[0]?.settle(1000, 1)
    // One is left for sure. It may leave when the pace allows it.
    assert.strictEqual(limit.wait(1000, 1), 250)
    limit.take(1250, 1)
    assert.isAtLeast(limit.wait(1250, 1), 700)
  })
})

describe("a limit that is known", () => {
  it("follows what the API reports", () => {
    const limit = known(600)
    limit.take(0, 1).learn(0, { limit: 600, remaining: 0 })
    assert.strictEqual(limit.wait(0, 1), 100)
    limit.take(0, 1).learn(0, { limit: 300, remaining: 0 })
    assert.strictEqual(limit.wait(0, 1), 400)
  })

  it("takes a rounded figure for what it may mean", () => {
    const limit = Limit.make(undefined, 0)
    limit.take(0, 0).learn(0, { limit: 60_000, remaining: 2000 })
    const held = limit.take(60_000, 1500)
    held.settle(60_000, 1500)
    assert.isAtLeast(limit.wait(60_000, 100), 0)
  })

  it("rises again if the API reports more than all that is in flight could explain", () => {
    const limit = known(600)
    limit.take(0, 1).learn(0, { limit: 600, remaining: 0 })
    limit.take(0, 1).learn(0, { limit: 600, remaining: 500 })
    assert.isBelow(limit.wait(0, 1), 60)
  })

  it("paces calls at twice its rate, and at its rate after a refusal", () => {
    assert.closeTo(passedIn(10, known(600)), 200, 10)
    const limit = known(600)
    limit.refused(0)
    assert.closeTo(passedIn(10, limit), 100, 10)
  })

  it("slows down with each refusal within a minute, and recovers", () => {
    const limit = known(600)
    for (let refusal = 0; refusal < 4; refusal++) limit.refused(0)
    assert.closeTo(passedIn(10, limit), 73, 6)
    passedIn(600, limit, 10_000)
    assert.closeTo(passedIn(10, limit, 610_000), 100, 2)
  })

  it("lets no burst out after a refusal", () => {
    const limit = known(600)
    const held = Array.from({ length: 50 }, () => limit.take(0, 1))
    limit.refused(0)
    for (const { giveBack } of held) giveBack(0)
    assert.isAbove(limit.wait(0, 1), 0)
  })
})

describe("an explicit limit", () => {
  it("holds from the first call on, evenly", () => {
    assert.closeTo(passedIn(60, Limit.make(60, 0)), 60, 1)
  })

  it("gives way to a lower one of the API only", () => {
    const limit = Limit.make(60, 0)
    limit.take(0, 1).learn(0, { limit: 600, remaining: 599 })
    assert.closeTo(passedIn(60, limit), 60, 1)
    limit.take(60_000, 1).learn(60_000, { limit: 30, remaining: 29 })
    assert.closeTo(passedIn(60, limit, 60_000), 30, 1)
  })
})

// Builders

/** A limit of which the API has reported that all of it is left. */
const known = (perMinute: number): Limit.Limit => {
  const limit = Limit.make(undefined, 0)
  const held = limit.take(-60_000, 0)
  held.learn(-60_000, { limit: perMinute, remaining: perMinute })
  held.settle(-60_000, 0)
  return limit
}

/** How many calls leave in these seconds. */
const passedIn = (seconds: number, limit: Limit.Limit, since = 0): number => {
  let passed = 0
  for (let now = since; now < since + seconds * 1000; now += 10) {
    for (; limit.wait(now, 1) === 0; passed++) limit.take(now, 1).settle(now, 1)
  }
  return passed
}
