import { assert, describe, it } from "@effect/vitest"
import * as Limit from "../../../src/policy/rateLimit/Limit.ts"

describe("a limit that is not known", () => {
  it("lets every amount pass", () => {
    assert.strictEqual(Limit.make("requests", undefined).wait(0, 1e9), 0)
  })

  it("is learnt from an answer; calls in flight may be in its figures, or not", () => {
    const limit = Limit.make("requests", undefined)
    const held = [limit.take(0, 1), limit.take(0, 1), limit.take(0, 1)]
    held[0]?.learn(1000, { limit: 60, remaining: 4 })
    held[0]?.settle(1000, 1)
    // One is left for sure. It may leave when the pace allows it.
    assert.strictEqual(limit.wait(1000, 1), 250)
    limit.take(1250, 1)
    assert.isAtLeast(limit.wait(1250, 1), 700)
  })
})

describe("a limit that no answer reports", () => {
  it("is guessed from what passes between two refusals", () => {
    const limit = Limit.make("requests", undefined)
    for (let call = 0; call < 100; call++) limit.take(0, 1).settle(0, 1)
    limit.refused(1000, false)
    for (let call = 0; call < 100; call++) limit.take(2000, 1).settle(2000, 1)
    limit.refused(11_000, false)
    assert.closeTo(passedIn(10, limit, 11_000), 95, 2)
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
    const limit = Limit.make("requests", undefined)
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
    limit.refused(0, false)
    assert.closeTo(passedIn(10, limit), 100, 10)
  })

  it("slows down with each further refusal, and recovers", () => {
    const limit = known(600)
    for (const at of [0, 3000, 6000, 9000]) limit.refused(at, false)
    assert.closeTo(passedIn(10, limit, 9000), 72, 3)
    passedIn(600, limit, 20_000)
    assert.closeTo(passedIn(10, limit, 620_000), 99, 2)
  })

  it("returns to twice its rate if the API has reported why it refused, and much is left", () => {
    const limit = known(600)
    limit.refused(0, true)
    assert.closeTo(passedIn(10, limit), 99, 2)
    assert.closeTo(passedIn(10, limit, 11_000), 200, 10)
  })

  it("is slow after a refusal of which several calls in flight report", () => {
    const limit = known(600)
    for (const at of [0, 100, 200]) limit.refused(at, false)
    assert.closeTo(passedIn(10, limit, 200), 99, 2)
  })

  it("lets no burst out after a refusal", () => {
    const limit = known(600)
    const held = Array.from({ length: 50 }, () => limit.take(0, 1))
    limit.refused(0, false)
    for (const { giveBack } of held) giveBack(0)
    assert.isAbove(limit.wait(0, 1), 0)
  })
})

describe("an explicit limit", () => {
  it("holds from the first call on, evenly", () => {
    assert.closeTo(passedIn(60, Limit.make("requests", 60)), 60, 1)
  })

  it("gives way to a lower one of the API only", () => {
    const limit = Limit.make("requests", 60)
    limit.take(0, 1).learn(0, { limit: 600, remaining: 599 })
    assert.closeTo(passedIn(60, limit), 60, 1)
    limit.take(60_000, 1).learn(60_000, { limit: 30, remaining: 29 })
    assert.closeTo(passedIn(60, limit, 60_000), 30, 1)
  })
})

// Builders

/** A limit of which the API has reported that all of it is left. */
const known = (perMinute: number): Limit.Limit => {
  const limit = Limit.make("requests", undefined)
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
