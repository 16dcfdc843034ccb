/**
 * One limit of the API: a bucket that holds a minute's worth and fills up all the time, not by the minute. What is taken
 * out may exceed what is in it; the debt is worked off before anything else passes.
 */

/** A bucket. Times are in milliseconds. */
export interface TokenBucket {
  /** Its size, and what flows into it in a minute. */
  readonly limit: number
  readonly level: (now: number) => number
  readonly take: (now: number, amount: number) => void
  /** How many milliseconds until it holds so much; for more than it can ever hold, until it is full. */
  readonly wait: (now: number, amount: number) => number
}

/** Levels are sums of fractions; of a millisecond, so little is nothing. */
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
      // Where a clock jumps back, the time until it is there again has flowed in already.
      since = Math.max(since, now)
    },
    wait: (now, amount) => Math.ceil(Math.max(0, ((Math.min(amount, limit) - level(now)) * 60_000) / limit - rounding))
  }
}
