/**
 * A duration in the units that fit it, for people: `1.6 ms`, `850 ms`, `1.5 s`, `1 min 30 s`, `2 h 5 min`, `2.3 days`. A clock that
 * runs is `Progress.clock`.
 */

/** The text of a duration in milliseconds. */
export const of = (milliseconds: number): string => {
  if (milliseconds < 9.95) return `${Number(milliseconds.toFixed(1))} ms`
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`
  if (milliseconds < 59_500) return `${Number((milliseconds / 1000).toFixed(milliseconds < 9950 ? 1 : 0))} s`
  const seconds = Math.round(milliseconds / 1000)
  if (seconds < 3600) return parts(seconds, "min", "s")
  const minutes = Math.round(seconds / 60)
  return minutes < 48 * 60 ? parts(minutes, "h", "min") : `${(minutes / 1440).toFixed(1)} days`
}

/** A count of sixtieths, such as 90 seconds as `1 min 30 s`. */
const parts = (count: number, unit: string, sixtieth: string): string => {
  const rest = count % 60
  return `${Math.floor(count / 60)} ${unit}${rest === 0 ? "" : ` ${rest} ${sixtieth}`}`
}
