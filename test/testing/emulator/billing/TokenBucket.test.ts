import { assert, describe, it } from "@effect/vitest"
import * as TokenBucket from "../../../../src/testing/emulator/billing/TokenBucket.ts"

describe("TokenBucket", () => {
  it("starts full, refills continuously, and never overflows", () => {
    const bucket = TokenBucket.make(60)
    bucket.take(0, 60)
    assert.deepStrictEqual(
      [0, 500, 1000, 30_000, 60_000, 90_000].map((now) => bucket.level(now)),
      [0, 0.5, 1, 30, 60, 60]
    )
  })

  it("reports to the millisecond when it holds enough", () => {
    const bucket = TokenBucket.make(50)
    bucket.take(0, 50)
    assert.deepStrictEqual([bucket.wait(0, 1), bucket.wait(1199, 1), bucket.wait(1200, 1)], [1200, 1, 0])
  })

  it("repays a debt first", () => {
    const bucket = TokenBucket.make(60)
    bucket.take(0, 90)
    assert.strictEqual(bucket.wait(0, 1), 31_000)
  })

  it("admits an amount above its capacity only when it is full", () => {
    const bucket = TokenBucket.make(60)
    assert.strictEqual(bucket.wait(0, 1000), 0)
    bucket.take(0, 1)
    assert.strictEqual(bucket.wait(0, 1000), 1000)
  })

  it("gains nothing when the clock jumps back", () => {
    const bucket = TokenBucket.make(60)
    bucket.take(100_000, 60)
    bucket.take(40_000, 0)
    assert.strictEqual(bucket.level(100_000), 0)
  })

  it("does not lose tokens to rounding", () => {
    const bucket = TokenBucket.make(7)
    bucket.take(0, 7)
    for (let minute = 0; minute < 1000; minute += 1) {
      for (let n = 1; n <= 7; n += 1) bucket.take(minute * 60_000 + Math.round((n * 60_000) / 7), 1)
    }
    assert.closeTo(bucket.level(60_000_000), 0, 1e-6)
  })
})
