import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Bucket from "../../../src/policy/rateLimit/Bucket.ts"

describe("Bucket", () => {
  it("is full at first, and refills continuously up to its size", () => {
    const bucket = Bucket.make(60, 60)
    bucket.take(0, 60)
    assert.strictEqual(bucket.level(0), 0)
    assert.strictEqual(bucket.level(500), 0.5)
    assert.strictEqual(bucket.level(3_600_000), 60)
  })

  it("goes into debt, which is refilled first", () => {
    const bucket = Bucket.make(60, 60)
    bucket.take(0, 90)
    assert.strictEqual(bucket.wait(0, 1), 31_000)
    assert.strictEqual(bucket.wait(31_000, 1), 0)
  })

  it("lets an amount above its size pass when it is full", () => {
    const bucket = Bucket.make(60, 60)
    assert.strictEqual(bucket.wait(0, 1000), 0)
    bucket.take(0, 30)
    assert.strictEqual(bucket.wait(0, 1000), 30_000)
  })

  it("keeps what is given back above its size, without a refill", () => {
    const bucket = Bucket.make(60, 1)
    bucket.take(0, -5)
    assert.strictEqual(bucket.level(60_000), 6)
  })

  it("keeps its level when its rate changes, within the new size", () => {
    const bucket = Bucket.make(60, 60)
    bucket.take(0, 30)
    bucket.resize(0, 120, 20)
    assert.strictEqual(bucket.level(0), 20)
    bucket.take(0, 20)
    assert.strictEqual(bucket.wait(0, 10), 5000)
  })

  it("counts no time twice after the clock was set back", () => {
    const bucket = Bucket.make(60, 60)
    bucket.take(10_000, 60)
    bucket.take(5000, 0)
    assert.strictEqual(bucket.level(10_000), 0)
  })

  it.prop(
    "lets no more out than its size and its refill, whatever the amounts and the times",
    [Schema.Array(Schema.Tuple([amounts(), amounts()]))],
    ([steps]) => {
      const bucket = Bucket.make(600, 100)
      let now = 0
      let taken = 0
      for (const [step, amount] of steps) {
        now += step
        const wait = bucket.wait(now, amount)
        assert.isAtLeast(wait, 0)
        now += wait
        assert.isTrue(bucket.wait(now, amount) === 0)
        bucket.take(now, amount)
        taken += amount
        // An amount above the size leaves a debt of what it exceeds.
        assert.isAtMost(taken, 100 + now / 100 + Math.max(0, amount - 100) + 1e-6)
      }
    }
  )
})

// Builders

function amounts() {
  return Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300 }))
}
