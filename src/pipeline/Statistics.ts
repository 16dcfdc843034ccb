/**
 * What evaluations need of statistics: the interval of an accuracy, and whether one of two candidates is better on the same
 * rows. Everything is deterministic and takes a moment for a million rows. All intervals are of 95 %.
 */
import type { Interval } from "./statistics/Interval.ts"

export type { Interval } from "./statistics/Interval.ts"
export { pairedBootstrap } from "./statistics/Bootstrap.ts"

/** The 97.5 % quantile of the normal distribution. */
const z = 1.959963984540054

/**
 * The interval of a share: Wilson's score interval (E. B. Wilson, 1927). It never leaves 0..1, and works at 0 and at 1.
 * `successes` may be a sum of scores between 0 and 1: their variance is at most that of right and wrong, so the interval is
 * wide enough. Without trials, it is 0 to 1.
 */
export const wilson = (successes: number, trials: number): Interval => {
  if (trials === 0) return { lower: 0, upper: 1 }
  const share = successes / trials
  const scale = 1 + (z * z) / trials
  const center = share + (z * z) / (2 * trials)
  const margin = z * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials))
  // At its ends, the interval is exact only without the rounding.
  return {
    lower: successes <= 0 ? 0 : (center - margin) / scale,
    upper: successes >= trials ? 1 : (center + margin) / scale
  }
}

/**
 * McNemar's test in its exact form: the two-sided p-value for the rows on which one candidate wins, under the hypothesis
 * that each wins as often. Ties do not count; without any win, it is 1.
 */
export const mcNemar = (wins: number, losses: number): number => {
  const trials = wins + losses
  const smaller = Math.min(wins, losses)
  // The logarithm of the largest binomial of the tail, then the sum of the tail relative to it.
  let largest = -trials * Math.LN2
  for (let k = 1; k <= smaller; k += 1) largest += Math.log((trials - k + 1) / k)
  let term = 1
  let tail = 1
  for (let k = smaller; k > 0 && term > tail * 1e-17; k -= 1) {
    term *= k / (trials - k + 1)
    tail += term
  }
  return Math.min(1, 2 * tail * Math.exp(largest))
}

/** The 80 % quantile of the normal distribution. */
const z80 = 0.8416212335729143

/**
 * The smallest true difference that a comparison of these rows shows in 4 of 5 samples, between 0 and 1. Where all rows are
 * alike, it is the largest share of other rows that a sample misses in 1 of 20 cases.
 */
export const detectable = (differences: ReadonlyArray<number>): number => {
  const rows = differences.length
  if (rows === 0) return 1
  let sum = 0
  let squares = 0
  for (const value of differences) {
    sum += value
    squares += value * value
  }
  const deviation = Math.sqrt(Math.max(0, squares / rows - (sum / rows) ** 2))
  const unseen = 1 - 0.05 ** (1 / rows)
  return Math.min(1, Math.max(unseen, ((z + z80) * deviation) / Math.sqrt(rows)))
}
