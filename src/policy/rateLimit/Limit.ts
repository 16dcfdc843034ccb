/**
 * One limit of a group: its bucket, corrected by what the API reports, and the pace at which calls may use it.
 *
 * The pace keeps calls from leaving in a burst. At first, they may use what the bucket holds at twice the rate of the
 * limit. After a refusal they leave at that rate, because the bucket of the API may hold less than a minute's worth
 * ("60 requests per minute may be enforced as 1 request per second"; Anthropic, "Rate limits", Oct 2026).
 */
import type { RateLimits } from "../../claude/RateLimits.ts"
import * as Bucket from "./Bucket.ts"

type Reported = NonNullable<RateLimits["requests"]>

/** A limit. Times are in milliseconds. */
export interface Limit {
  /** Milliseconds until a call with this amount may leave; 0 while the limit is unknown. */
  readonly wait: (now: number, amount: number) => number
  readonly take: (now: number, amount: number) => Held
  /** The API refused a call. */
  readonly refused: (now: number) => void
}

/** The amount that a call in flight has reserved. */
export interface Held {
  /** Takes what an answer reports. Before `settle`, the call itself counts as in flight. */
  readonly learn: (now: number, reported: Reported) => void
  readonly settle: (now: number, used: number) => void
  /** Settles a call that the API refused: it used nothing, but it has left. */
  readonly giveBack: (now: number) => void
}

/** How many seconds' worth may leave at once. */
const burst = 0.5

/** Without an explicit limit, it is unknown until the API reports it. */
export const make = (explicit: number | undefined, late: number): Limit => {
  let pace = explicit === undefined ? 2 : 1
  let limit = explicit
  let inFlight = 0
  /** Everything that calls have used so far. */
  let used = 0
  let refusedAt = -Infinity
  let slowedAt = -Infinity
  let highest = 0
  const bucket = Bucket.make(explicit ?? 0, explicit ?? Infinity)
  const paced = Bucket.make(explicit ?? 0, explicit === undefined ? Infinity : (explicit / 60) * burst)

  const resize = (now: number, perMinute: number) => {
    const isNew = limit === undefined
    limit = perMinute
    bucket.resize(now, perMinute, perMinute)
    paced.resize(now, perMinute * pace, (perMinute / 60) * burst)
    if (isNew) paced.set(now, Math.min(paced.level(now), 0))
  }

  /** The pace rises again by a tenth in a minute, as long as no call is refused. */
  const recover = (now: number) => {
    if (pace >= 1 || limit === undefined || now < slowedAt + 6000) return
    slowedAt = now
    pace = Math.min(1, pace + 0.01)
    resize(now, limit)
  }

  return {
    wait: (now, amount) => (limit === undefined ? 0 : Math.max(bucket.wait(now, amount), paced.wait(now, amount))),
    take: (now, amount) => {
      recover(now)
      const usedBefore = used
      inFlight += amount
      bucket.take(now, amount)
      paced.take(now, amount)
      return {
        learn: (now, reported) => {
          const isNew = limit === undefined
          const lower = Math.min(reported.limit, explicit ?? Infinity)
          if (limit !== lower) resize(now, lower)
          const error = roundingOf(reported)
          // All that was in flight since the call began may be in `remaining` already, or none of it.
          const least = reported.remaining - error - inFlight - (used - usedBefore)
          highest = Math.max(highest, reported.remaining)
          const most = reported.remaining + error - (highest > 4 * inFlight ? inFlight * late : 0)
          const level = bucket.level(now)
          if (isNew) bucket.set(now, least)
          else if (level > most) bucket.set(now, most)
          else if (level < least && limit === reported.limit && reported.remaining > 2 * error) bucket.set(now, least)
        },
        settle: (now, actual) => {
          inFlight -= amount
          used += actual
          bucket.take(now, actual - amount)
          paced.take(now, actual - amount)
        },
        giveBack: (now) => {
          inFlight -= amount
          bucket.take(now, -amount)
        }
      }
    },
    refused: (now) => {
      pace = pace > 1 ? 1 : now < refusedAt + 60_000 ? pace * 0.9 : pace
      refusedAt = now
      slowedAt = now
      if (limit === undefined) return
      resize(now, limit)
      paced.set(now, Math.min(0, paced.level(now)))
    }
  }
}

/** The API rounds tokens to thousands. */
const roundingOf = ({ limit, remaining }: Reported): number => (limit >= 10_000 && remaining % 1000 === 0 ? 500 : 0)
