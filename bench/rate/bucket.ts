/**
 * One limit of the stand-in server, which also keeps the books: what it offered, and what overflowed without a user.
 * Times are in milliseconds since the first request.
 */

/** How a server enforces its limits. */
export interface Terms {
  /** The size of a bucket, in seconds of its refill. */
  readonly burst: number
  /** Refilled all the time, or as a whole at each full minute. */
  readonly refill: "continuous" | "minutely"
  /** What another client takes of each limit all the time, from 0 to 1. */
  readonly foreign: number
  /** From a time in seconds on, the limits are multiplied by the factor. */
  readonly changes: ReadonlyArray<{ readonly at: number; readonly factor: number }>
}

/** The books. A level below zero is a debt. */
export interface Books {
  readonly level: number
  readonly offered: number
  readonly overflowed: number
}

export interface Bucket {
  readonly limit: (now: number) => number
  readonly take: (now: number, amount: number) => void
  /** Milliseconds until it holds the amount, or as much of it as it can hold. */
  readonly wait: (now: number, amount: number) => number
  readonly books: (now: number) => Books
}

const minute = 60_000

/** A full bucket. */
export const make = (perMinute: number, { burst, changes, foreign, refill }: Terms): Bucket => {
  const ahead = changes.toSorted((a, b) => a.at - b.at)
  let limit = perMinute
  let since = 0
  let offered = 0
  let overflowed = 0
  const size = () => (limit * burst) / 60
  let level = size()

  const gain = (amount: number) => {
    const held = level + amount
    level = Math.min(held, size())
    offered += amount
    overflowed += held - level
  }
  const advance = (now: number) => {
    const net = limit * (1 - foreign)
    if (refill === "continuous") gain((net * (now - since)) / minute)
    for (let at = Math.floor(since / minute) + 1; refill === "minutely" && at * minute <= now; at++) {
      overflowed += Math.max(0, level)
      level = 0
      gain(net)
    }
    since = now
  }
  const settle = (now: number) => {
    for (let next = ahead[0]; next !== undefined && next.at * 1000 <= now; next = ahead[0]) {
      advance(next.at * 1000)
      limit = perMinute * next.factor
      // What a smaller bucket cannot hold was never on offer.
      const held = level
      level = Math.min(level, size())
      offered -= held - level
      ahead.shift()
    }
    if (now > since) advance(now)
  }
  return {
    limit: (now) => {
      settle(now)
      return limit
    },
    take: (now, amount) => {
      settle(now)
      level -= amount
    },
    wait: (now, amount) => {
      settle(now)
      const missing = Math.min(amount, size()) - level
      // A millionth is a rounding error.
      if (missing <= 1e-6) return 0
      return refill === "continuous" ? (missing * minute) / (limit * (1 - foreign)) : minute - (now % minute)
    },
    books: (now) => {
      settle(now)
      return { level, offered, overflowed }
    }
  }
}
