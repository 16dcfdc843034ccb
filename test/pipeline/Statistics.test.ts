import { assert, describe, it } from "@effect/vitest"
import binomialTest from "@stdlib/stats-binomial-test"
import * as Statistics from "../../src/pipeline/Statistics.ts"
import * as Binomial from "../../src/pipeline/statistics/Binomial.ts"

// SIMULATIONS=1000 makes the simulations long.
const simulations = Number(process.env["SIMULATIONS"] ?? "150")

describe("Statistics.wilson", () => {
  it("gives the published values for 8 of 10", () => {
    const { lower, upper } = Statistics.wilson(8, 10)
    assert.closeTo(lower, 0.49016, 5e-6)
    assert.closeTo(upper, 0.94332, 5e-6)
  })

  it("is the range of shares that a score test does not reject", () => {
    for (const [successes, trials] of [
      [1, 7],
      [30, 40],
      [499, 500]
    ] as const) {
      const { lower, upper } = Statistics.wilson(successes, trials)
      for (const share of [lower, upper]) {
        const score = Math.abs(successes / trials - share) / Math.sqrt((share * (1 - share)) / trials)
        assert.closeTo(score, 1.959964, 1e-6)
      }
    }
  })

  it("ends exactly at 0 and at 1", () => {
    assert.strictEqual(Statistics.wilson(0, 12).lower, 0)
    assert.strictEqual(Statistics.wilson(12, 12).upper, 1)
    assert.closeTo(Statistics.wilson(12, 12).lower, 0.75751, 5e-6)
    assert.deepStrictEqual(Statistics.wilson(0, 0), { lower: 0, upper: 1 })
  })

  it("holds the true share in about 95 of 100 samples", () => {
    const uniform = Binomial.seeded(7)
    for (const [trials, share] of [
      [20, 0.9],
      [100, 0.5],
      [500, 0.97]
    ] as const) {
      const covered = count(2_000, () => {
        const interval = Statistics.wilson(Binomial.draw(uniform, trials, share), trials)
        return interval.lower <= share && share <= interval.upper
      })
      assert.isAtLeast(covered / 2_000, 0.93, `${trials} trials of ${share}`)
      assert.isAtMost(covered / 2_000, 0.98, `${trials} trials of ${share}`)
    }
  })
})

describe("Statistics.mcNemar", () => {
  it("gives the published value for 10 wins and 2 losses, in either order", () => {
    assert.closeTo(Statistics.mcNemar(10, 2), 0.03857421875, 1e-15)
    assert.closeTo(Statistics.mcNemar(2, 10), 0.03857421875, 1e-15)
  })

  it("equals the binomial test of @stdlib for all small counts and for large ones", () => {
    const large = [
      [500, 430],
      [10_400, 10_000],
      [300_100, 299_000]
    ] as const
    const small = Array.from({ length: 30 * 30 }, (_, index) => [Math.floor(index / 30), index % 30] as const)
    for (const [wins, losses] of [...small.slice(1), ...large]) {
      const expected = Math.min(1, binomialTest([wins, losses]).pValue)
      assert.closeTo(Statistics.mcNemar(wins, losses) / expected, 1, 1e-6, `${wins} against ${losses}`)
    }
  })

  it("is 1 without a difference", () => {
    assert.strictEqual(Statistics.mcNemar(0, 0), 1)
    assert.strictEqual(Statistics.mcNemar(7, 7), 1)
    assert.strictEqual(Statistics.mcNemar(500_000, 500_000), 1)
  })

  it("is 0 rather than not a number where chance has no part", () => {
    assert.strictEqual(Statistics.mcNemar(1_000_000, 0), 0)
    assert.closeTo(Statistics.mcNemar(60, 0), 2 ** -59, 2 ** -70)
  })
})

describe("Statistics.pairedBootstrap", () => {
  it("agrees with the normal approximation on many rows, and is the same each time", () => {
    const differences = outcomes(60, 39, 401)
    const mean = 21 / 500
    const error = Math.sqrt((99 / 500 - mean ** 2) / 500)
    const interval = Statistics.pairedBootstrap(differences)
    assert.closeTo(interval.lower, mean - 1.96 * error, 0.0021)
    assert.closeTo(interval.upper, mean + 1.96 * error, 0.0021)
    assert.deepStrictEqual(Statistics.pairedBootstrap(differences), interval)
  })

  it("agrees with resampling the rows one by one", () => {
    const uniform = Binomial.seeded(3)
    const differences = Array.from({ length: 200 }, () => Math.round((uniform() - 0.4) * 8) / 8)
    const means = Array.from({ length: 4_000 }, () => {
      let sum = 0
      for (let row = 0; row < 200; row += 1) sum += differences[Math.floor(uniform() * 200)] ?? NaN
      return sum / 200
    }).toSorted((one, other) => one - other)
    const { lower, upper } = Statistics.pairedBootstrap(differences)
    assert.closeTo(lower, means[99] ?? NaN, 0.006)
    assert.closeTo(upper, means[3_899] ?? NaN, 0.006)
  })

  it("is one value where all rows have the same difference, and says nothing without rows", () => {
    assert.deepStrictEqual(Statistics.pairedBootstrap([0, 0, 0, 0]), { lower: 0, upper: 0 })
    assert.deepStrictEqual(Statistics.pairedBootstrap([1, 1]), { lower: 1, upper: 1 })
    assert.deepStrictEqual(Statistics.pairedBootstrap([]), { lower: -1, upper: 1 })
  })

  it("takes a million rows, of three values or all distinct", { timeout: 20_000 }, () => {
    const three = Statistics.pairedBootstrap(outcomes(60_000, 59_000, 881_000))
    assert.closeTo(three.lower, 0.001 - 1.96 * Math.sqrt(0.119 / 1e6), 2e-5)
    assert.closeTo(three.upper, 0.001 + 1.96 * Math.sqrt(0.119 / 1e6), 2e-5)
    const distinct = Statistics.pairedBootstrap(Array.from({ length: 1_000_000 }, (_, row) => row / 1_000_000))
    assert.closeTo(distinct.lower, 0.5 - 1.96 * Math.sqrt(1 / 12 / 1e6), 2e-5)
    assert.closeTo(distinct.upper, 0.5 + 1.96 * Math.sqrt(1 / 12 / 1e6), 2e-5)
  })

  it("holds the true difference in about 95 of 100 samples", { timeout: 60_000 }, () => {
    const uniform = Binomial.seeded(11)
    for (const [rows, wins, losses] of [
      [100, 0.15, 0.1],
      [500, 0.1, 0.1],
      [500, 0.12, 0.06]
    ] as const) {
      const covered = count(simulations, () => {
        const { lower, upper } = Statistics.pairedBootstrap(sample(uniform, rows, wins, losses))
        return lower <= wins - losses + 1e-12 && wins - losses <= upper + 1e-12
      })
      assert.isAtLeast(covered / simulations, 0.945 - 4 * Math.sqrt((0.95 * 0.05) / simulations), `${rows} rows`)
    }
  })
})

describe("Statistics.detectable", () => {
  it("is the difference that McNemar's test finds in 4 of 5 samples", () => {
    const uniform = Binomial.seeded(5)
    const difference = Statistics.detectable(outcomes(50, 50, 400))
    assert.closeTo(difference, 0.056, 0.001)
    const found = count(2_000, () => {
      const differing = Binomial.draw(uniform, 500, 0.2)
      const wins = Binomial.draw(uniform, differing, 0.5 + difference / 0.4)
      return Statistics.mcNemar(wins, differing - wins) < 0.05
    })
    assert.closeTo(found / 2_000, 0.8, 0.06)
  })

  it("is the rule of three where all rows are alike, and everything without rows", () => {
    assert.closeTo(Statistics.detectable(outcomes(0, 0, 500)), 3 / 500, 1e-4)
    assert.strictEqual(Statistics.detectable([]), 1)
    assert.closeTo(Statistics.detectable([0]), 0.95, 1e-12)
  })
})

const count = (times: number, isCounted: () => boolean): number => {
  let counted = 0
  for (let time = 0; time < times; time += 1) if (isCounted()) counted += 1
  return counted
}

const outcomes = (wins: number, losses: number, ties: number): Array<number> => [
  ...Array.from({ length: wins }, () => 1),
  ...Array.from({ length: losses }, () => -1),
  ...Array.from({ length: ties }, () => 0)
]

const sample = (uniform: Binomial.Uniform, rows: number, wins: number, losses: number) => {
  const won = Binomial.draw(uniform, rows, wins)
  const lost = Binomial.draw(uniform, rows - won, losses / (1 - wins))
  return outcomes(won, lost, rows - won - lost)
}
