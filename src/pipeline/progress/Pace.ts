/**
 * How fast rows finish: the average of the last half minute, or of the last 20 rows of a slow job. Times are seconds since
 * the start of the run.
 */

/** The pace at one moment. */
export interface Pace {
  /** When rows could begin to finish. */
  readonly since: number
  readonly at: number
  /** Rows that had finished by then. */
  readonly rows: number
  /** Rows per second, exponentially weighted, starting from 0. */
  readonly weighted: number
}

/** The pace before `rows` and the others could finish. */
export const from = (now: number, rows: number): Pace => ({ since: now, at: now, rows, weighted: 0 })

export const start: Pace = from(0, 0)

/** The pace at a later moment. */
export const next = (last: Pace, now: number, rows: number): Pace => {
  const { at, since } = last
  const step = now - at
  if (step <= 0) return last
  const weight = 1 - Math.exp(-step / memory(now - since, rows))
  return { since, at: now, rows, weighted: last.weighted + weight * ((rows - last.rows) / step - last.weighted) }
}

/** Rows per second. Early in a run the average still contains its start at 0, which the divisor corrects. */
export const rate = ({ at, rows, since, weighted }: Pace): number => {
  const seconds = at - since
  return seconds > 0 ? weighted / (1 - Math.exp(-seconds / memory(seconds, rows))) : 0
}

/** The time constant of the average, in seconds. */
const memory = (seconds: number, rows: number) => Math.max(30, (20 * seconds) / Math.max(1, rows))
