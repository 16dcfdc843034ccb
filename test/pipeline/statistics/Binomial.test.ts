import { assert, describe, it } from "@effect/vitest"
import * as Binomial from "../../../src/pipeline/statistics/Binomial.ts"

describe("Binomial.draw", () => {
  it("has the probabilities of the binomial distribution, for few and for many expected successes", () => {
    const uniform = Binomial.seeded(1)
    for (const [trials, probability] of [
      [5, 0.3],
      [12, 0.5],
      [60, 0.5],
      [60, 0.8],
      [1_000, 0.002]
    ] as const) {
      const draws = 40_000
      const seen = new Map<number, number>()
      for (let time = 0; time < draws; time += 1) {
        const drawn = Binomial.draw(uniform, trials, probability)
        seen.set(drawn, (seen.get(drawn) ?? 0) + 1)
      }
      // Pearson's chi-square over the values that are expected at least 20 times: about as large as their number.
      let chiSquare = 0
      let values = 0
      let mass = (1 - probability) ** trials
      for (let k = 0; k <= trials; k += 1) {
        const expected = mass * draws
        if (expected >= 20) {
          chiSquare += ((seen.get(k) ?? 0) - expected) ** 2 / expected
          values += 1
        }
        mass *= ((trials - k) / (k + 1)) * (probability / (1 - probability))
      }
      assert.isAbove(values, 3)
      assert.isBelow(chiSquare, values + 4 * Math.sqrt(2 * values), `${trials} trials of ${probability}`)
    }
  })

  it("has the mean and the deviation of a million trials", () => {
    const uniform = Binomial.seeded(2)
    const draws = Array.from({ length: 20_000 }, () => Binomial.draw(uniform, 1_000_000, 0.1))
    const mean = draws.reduce((sum, drawn) => sum + drawn, 0) / draws.length
    const variance = draws.reduce((sum, drawn) => sum + (drawn - mean) ** 2, 0) / draws.length
    assert.closeTo(mean, 100_000, 4 * 2.2)
    assert.closeTo(Math.sqrt(variance), 300, 6)
  })

  it("needs no luck at the ends", () => {
    const uniform = () => assert.fail("it draws")
    assert.strictEqual(Binomial.draw(uniform, 0, 0.5), 0)
    assert.strictEqual(Binomial.draw(uniform, 9, 0), 0)
    assert.strictEqual(Binomial.draw(uniform, 9, 1), 9)
  })
})

describe("Binomial.seeded", () => {
  it("repeats its numbers for the same seed, and gives others for another", () => {
    const [one, same, other] = [1, 1, 2].map((seed) => {
      const uniform = Binomial.seeded(seed)
      return Array.from({ length: 5 }, uniform)
    })
    assert.deepStrictEqual(one, same)
    assert.notDeepEqual(one, other)
  })
})
