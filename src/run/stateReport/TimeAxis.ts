/**
 * The ticks of a time axis: at most four round times, with labels that differ and fit a narrow chart.
 */

/** A time axis, for the options of a chart. */
export interface TimeAxis {
  readonly ticks: Array<Date>
  readonly tickFormat: (date: Date) => string
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** Times between ticks, in milliseconds, with the part of an ISO date that tells such ticks apart. */
const steps: ReadonlyArray<readonly [part: readonly [from: number, to: number], ...milliseconds: Array<number>]> = [
  [[17, 21], 100, 200, 500],
  [[11, 19], second, 2 * second, 5 * second, 10 * second, 15 * second, 30 * second],
  [[11, 16], minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute],
  [[11, 16], hour, 2 * hour, 3 * hour, 6 * hour],
  [[5, 16], 12 * hour],
  [[5, 10], day, 2 * day, 7 * day, 14 * day, 28 * day, 91 * day, 364 * day]
]

/** The axis from one time to another, in milliseconds since 1970. Labels are in UTC; within seconds, `37.4` is a second. */
export const make = (from: number, to: number): TimeAxis => {
  const all = steps.flatMap(([part, ...milliseconds]) => milliseconds.map((step) => ({ part, step })))
  const ticksOf = (step: number) => {
    const first = Math.ceil(from / step) * step
    return Array.from({ length: Math.max(0, Math.floor((to - first) / step) + 1) }, (_, index) => first + index * step)
  }
  const { part, step } = all.find(({ step }) => (to - from) / step < 4) ?? { part: [0, 10] as const, step: to - from }
  return {
    ticks: ticksOf(step).map((time) => new Date(time)),
    tickFormat: (date) =>
      date
        .toISOString()
        .slice(...part)
        .replace("T", " ")
  }
}
