/**
 * A bucket that refills continuously and may go into debt. An amount that was given back may lift it above its size,
 * where it does not refill. Times are in milliseconds.
 */

/** A bucket, by itself without a clock. */
export interface Bucket {
  readonly level: (now: number) => number
  readonly take: (now: number, amount: number) => void
  /** Sets the level, such as to what a server reports. */
  readonly set: (now: number, level: number) => void
  /** Changes the refill of a minute and the size; the level stays, but within the size. */
  readonly resize: (now: number, perMinute: number, size: number) => void
  /** Milliseconds until it holds the amount; for an amount above the size, until it is full. */
  readonly wait: (now: number, amount: number) => number
}

/** The rounding error of levels: a wait that is shorter, in milliseconds, is none. */
const rounding = 1e-3

/** A full bucket. */
export const make = (perMinute: number, size: number): Bucket => {
  let rate = perMinute / 60_000
  let most = size
  let held = size
  let since = -Infinity
  const level = (now: number) =>
    held >= most || rate === 0 ? held : Math.min(most, held + Math.max(0, now - since) * rate)
  const set = (now: number, level: number) => {
    held = level
    // After a clock jump backwards, the refill of the repeated time was already counted.
    since = Math.max(since, now)
  }
  return {
    level,
    set,
    take: (now, amount) => set(now, level(now) - amount),
    resize: (now, perMinute, size) => {
      set(now, Math.min(size, level(now)))
      rate = perMinute / 60_000
      most = size
    },
    wait: (now, amount) => {
      const missing = Math.min(amount, most) - level(now)
      return missing <= rate * rounding ? 0 : missing / rate
    }
  }
}
