/**
 * One limit of the API: a token bucket that holds one minute's worth and refills continuously. A take may exceed the
 * level; the debt is refilled before the next request passes.
 */

/** A bucket. Times are in milliseconds. */
export interface TokenBucket {
  /** Its size, and the refill of one minute. */
  readonly limit: number
  readonly level: (now: number) => number
  readonly take: (now: number, amount: number) => void
  /** Milliseconds until it holds the amount; for an amount above the size, until it is full. */
  readonly wait: (now: number, amount: number) => number
}

/** The rounding error of levels, in milliseconds. */
const rounding = 1e-3

/** A full bucket. */
export const make = (limit: number): TokenBucket => {
  let held = limit
  let since = -Infinity
  const level = (now: number) => Math.min(limit, held + (Math.max(0, now - since) * limit) / 60_000)
  return {
    limit,
    level,
    take: (now, amount) => {
      held = level(now) - amount
      // After a clock jump backwards, the refill of the repeated time was already counted.
      since = Math.max(since, now)
    },
    wait: (now, amount) => Math.ceil(Math.max(0, ((Math.min(amount, limit) - level(now)) * 60_000) / limit - rounding))
  }
}
