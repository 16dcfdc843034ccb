/**
 * How many requests may be sent twice: a share of the calls, so that a slow API is not loaded with a second request for
 * every call.
 */

/** Each call adds its share; a second request takes one whole. */
export interface Allowance {
  readonly earn: () => void
  /** Takes one, if there is one. */
  readonly take: () => boolean
  /** Gives one back that was not sent. */
  readonly giveBack: () => void
}

/** What is saved up in quiet times at most. */
const most = 10

/** Sums of shares, such as 20 times 0.05, are not exact. */
const one = 1 - 1e-9

/** Nothing earned yet: at any time, no more than this share of the calls has been sent twice. */
export const make = (share: number): Allowance => {
  let saved = 0
  return {
    earn: () => {
      saved = Math.min(most, saved + share)
    },
    take: () => {
      if (saved < one) return false
      saved -= 1
      return true
    },
    giveBack: () => {
      saved += 1
    }
  }
}
