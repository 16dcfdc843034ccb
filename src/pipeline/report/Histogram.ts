/**
 * Counts durations in classes that are 4 % wide, so that percentiles of any number of calls take little memory. A percentile
 * is off by 2 % at most.
 */
import * as Schema from "effect/Schema"

/** Durations in milliseconds. */
export const Durations = Schema.Struct({
  count: Schema.Int,
  mean: Schema.Finite,
  p50: Schema.Finite,
  p90: Schema.Finite,
  p95: Schema.Finite,
  p99: Schema.Finite,
  max: Schema.Finite,
  /** The number of calls in classes from `from` to `to`, for a chart. */
  classes: Schema.Array(Schema.Struct({ from: Schema.Finite, to: Schema.Finite, count: Schema.Int }))
})
export type Durations = typeof Durations.Type

export interface Histogram {
  readonly add: (milliseconds: number) => void
  /** Undefined without a duration. */
  readonly result: () => Durations | undefined
}

const growth = Math.log(1.04)
/** The classes of the chart are wider. */
const perClass = 6

export const make = (): Histogram => {
  const counts = new Map<number, number>()
  let count = 0
  let sum = 0
  let max = 0
  const middle = (index: number) => Math.min(max, Math.exp((index + 0.5) * growth))
  return {
    add: (milliseconds) => {
      const index = milliseconds < 1 ? 0 : Math.floor(Math.log(milliseconds) / growth)
      counts.set(index, (counts.get(index) ?? 0) + 1)
      count += 1
      sum += milliseconds
      max = Math.max(max, milliseconds)
    },
    result: () => {
      if (count === 0) return undefined
      const sorted = [...counts].toSorted(([one], [other]) => one - other)
      const at = (share: number) => {
        let seen = 0
        for (const [index, number] of sorted) {
          seen += number
          if (seen >= share * count) return Math.round(middle(index))
        }
        return max
      }
      return {
        count,
        mean: Math.round(sum / count),
        p50: at(0.5),
        p90: at(0.9),
        p95: at(0.95),
        p99: at(0.99),
        max,
        classes: classesOf(sorted)
      }
    }
  }
}

const classesOf = (sorted: ReadonlyArray<readonly [index: number, count: number]>): Durations["classes"] => {
  const wide = new Map<number, number>()
  for (const [index, count] of sorted) {
    const at = Math.floor(index / perClass)
    wide.set(at, (wide.get(at) ?? 0) + count)
  }
  // Edges of classes of a few milliseconds differ by less than one.
  const edge = (at: number) => Number(Math.exp(at * perClass * growth).toPrecision(3))
  return Array.from(wide, ([at, count]) => ({ from: edge(at), to: edge(at + 1), count }))
}
