/**
 * Scales what a sample of rows adds up to, to all rows: a regression on the sizes of the rows, which are known for all of
 * them, so that one long row in the sample, or none, does little harm. Pure.
 */

/** An amount that is not known exactly. */
export interface Range {
  readonly low: number
  readonly expected: number
  readonly high: number
}

/** All rows, and the sampled ones: their numbers and sizes. */
export interface Population {
  readonly rows: number
  readonly size: number
  readonly sizes: ReadonlyArray<number>
}

/** A total over all rows, and half the width of its 95 % interval. */
export interface Total {
  readonly total: number
  readonly margin: number
}

/** With fewer sampled rows, sizes are not used: the slope would be a matter of chance. */
const leastForSlope = 10

/** The total over all rows of an amount that is known for the sampled ones, in the same order. */
export const total = ({ rows, size, sizes }: Population, amounts: ReadonlyArray<number>): Total => {
  const count = amounts.length
  if (count === 0) return { total: 0, margin: 0 }
  const mean = sum(amounts) / count
  const meanSize = sum(sizes) / count
  const distances = sizes.map((one) => one - meanSize)
  const spread = count < leastForSlope ? 0 : sum(distances.map((distance) => distance ** 2))
  const overSpread = (value: number) => (spread === 0 ? 0 : value / spread)
  const slope = overSpread(sum(amounts.map((amount, index) => (amount - mean) * (distances[index] ?? 0))))
  const shift = size / rows - meanSize
  const expected = Math.max(0, rows * (mean + slope * shift))
  if (count >= rows || count < 3) return { total: expected, margin: count >= rows ? 0 : expected }
  // The variance after Long and Ervin (HC3): amounts of long rows vary more, and long rows pull the line towards them.
  const variance = sum(
    amounts.map((amount, index) => {
      const distance = distances[index] ?? 0
      const pull = 1 / count + overSpread(distance ** 2)
      const weight = 1 + count * overSpread(shift * distance)
      return ((weight * (amount - mean - slope * distance)) / (1 - Math.min(0.9, pull))) ** 2
    })
  )
  const freedom = count - (spread === 0 ? 1 : 2)
  return { total: expected, margin: (student(freedom) * rows * Math.sqrt((1 - count / rows) * variance)) / count }
}

/** Half the width of the 95 % interval of a mean, as a share of the mean. */
export const marginOfMean = (values: ReadonlyArray<number>, mean: number): number => {
  const count = values.length
  const deviation = Math.sqrt(sum(values.map((value) => (value - mean) ** 2)) / (count - 1))
  return mean === 0 ? 0 : (student(count - 1) * deviation) / Math.sqrt(count) / mean
}

/** An amount and independent errors in both directions, which add up as squares. */
export const range = (
  expected: number,
  errors: ReadonlyArray<{ readonly down: number; readonly up: number }>
): Range => ({
  low: Math.max(0, expected - Math.hypot(...errors.map(({ down }) => down))),
  expected,
  high: expected + Math.hypot(...errors.map(({ up }) => up))
})

export const sum = (values: Iterable<number>): number => {
  let total = 0
  for (const value of values) total += value
  return total
}

/** The 97.5th percentile of Student's t, within 1 % from 5 degrees of freedom on (Cornish and Fisher, three terms). */
const student = (freedom: number): number => {
  const z = 1.959964
  const first = (z ** 3 + z) / (4 * freedom)
  return z + first + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2)
}
