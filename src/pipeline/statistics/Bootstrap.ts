/**
 * The bootstrap of a mean of paired differences. A resample takes one draw for each distinct difference, not for each row,
 * so a million rows take as long as a thousand.
 */
import * as Binomial from "./Binomial.ts"
import type { Interval } from "./Interval.ts"

/** The resamples of a bootstrap: 9,999, so that both bounds are one of their ordered means (Davison & Hinkley, 1997). */
const resamples = 9_999

/** The number of values that a resample tells apart. */
const maxGroups = 1_000

/**
 * The interval of the mean of paired differences, each between -1 and 1: the percentile bootstrap (B. Efron and R. J.
 * Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13). Resampling the differences keeps each pair together.
 * The percentile form is enough for a mean, which has no bias to correct. Without rows, the interval is -1 to 1. If all
 * differences are equal, it is this one value; `detectable` then says how little that proves.
 */
export const pairedBootstrap = (differences: ReadonlyArray<number>): Interval => {
  if (differences.length === 0) return { lower: -1, upper: 1 }
  const groups = group(differences)
  const uniform = Binomial.seeded(differences.length)
  const means = new Float64Array(resamples).map(() => resampledSum(groups, uniform) / differences.length).toSorted()
  const at = (share: number) => means[Math.round(share * (resamples + 1)) - 1] ?? 0
  return { lower: at(0.025), upper: at(0.975) }
}

interface Group {
  readonly value: number
  readonly count: number
  /** The rows of this group and of those behind it. */
  readonly rest: number
}

/** Equal differences, the most frequent first: a resample then takes one draw for each distinct one, not for each row. */
const group = (differences: ReadonlyArray<number>): ReadonlyArray<Group> => {
  const counts = new Map<number, number>()
  for (const value of differences) counts.set(value, (counts.get(value) ?? 0) + 1)
  let rest = differences.length
  return [...(counts.size > maxGroups ? bins(counts) : counts)]
    .toSorted(([, one], [, other]) => other - one)
    .map(([value, count]) => {
      rest -= count
      return { value, count, rest: rest + count }
    })
}

/** Joins neighbours into bins of equal width, each at its mean: the mean stays, and so does nearly all of the variance. */
const bins = (counts: ReadonlyMap<number, number>): ReadonlyArray<readonly [number, number]> => {
  let lower = Infinity
  let upper = -Infinity
  for (const value of counts.keys()) {
    lower = Math.min(lower, value)
    upper = Math.max(upper, value)
  }
  const joined = new Map<number, { sum: number; count: number }>()
  for (const [value, count] of counts) {
    const index = Math.min(maxGroups - 1, Math.floor(((value - lower) / (upper - lower)) * maxGroups))
    const bin = joined.get(index) ?? { sum: 0, count: 0 }
    joined.set(index, { sum: bin.sum + value * count, count: bin.count + count })
  }
  return [...joined.values()].map(({ count, sum }) => [sum / count, count])
}

/** The sum of as many differences as there are rows, drawn with replacement. */
const resampledSum = (groups: ReadonlyArray<Group>, uniform: Binomial.Uniform): number => {
  let missing = groups[0]?.rest ?? 0
  let sum = 0
  for (const { count, rest, value } of groups) {
    const drawn = Binomial.draw(uniform, missing, count / rest)
    sum += drawn * value
    missing -= drawn
    if (missing === 0) break
  }
  return sum
}
