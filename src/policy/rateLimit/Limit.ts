/**
 * One limit of a group: its bucket, corrected by what the API reports, and the pace at which calls may use it.
 *
 * The pace keeps calls from leaving in a burst. At first, they may use what the bucket holds at twice the rate of the
 * limit. After a refusal they leave at just below that rate, because the bucket of the API may hold less than a minute's
 * worth ("60 requests per minute may be enforced as 1 request per second"; Anthropic, "Rate limits", Oct 2026).
 */
import type { RateLimits } from "../../claude/RateLimits.ts"
import * as Bucket from "./Bucket.ts"
import type { Kind } from "./Buckets.ts"

type Reported = NonNullable<RateLimits["requests"]>

/** A limit. Times are in milliseconds. */
export interface Limit {
  /** Milliseconds until a call with this amount may leave; 0 while the limit is unknown. */
  readonly wait: (now: number, amount: number) => number
  readonly take: (now: number, amount: number) => Held
  /** How long the limit would last at its rate, in minutes; Infinity while it is unknown. */
  readonly lasts: (now: number) => number
  /** The API refused a call, probably for this limit. It is explained if the API reported that too little was left. */
  readonly refused: (now: number, isExplained: boolean) => void
}

/** The amount that a call in flight has reserved. */
export interface Held {
  /** Takes what an answer reports. Before `settle`, the call itself counts as in flight. */
  readonly learn: (now: number, reported: Reported) => void
  /** Whether the last report left too little for this amount. */
  readonly isShort: () => boolean
  readonly settle: (now: number, used: number) => void
  /** Settles a call that the API refused: it used nothing, but it has left. */
  readonly giveBack: (now: number) => void
}

/** How many seconds' worth may leave at once. */
const burst = 0.5

/** A guess is not lower, in a minute: few calls would pass from which a better one can be learnt. */
const lowest = 10

/** A guess from a shorter time would be too rough, in minutes. */
const shortest = 5 / 60

const fast = 2
const even = 0.99
const rise = 0.02

/** How long a pace is kept at least before it rises, and before it falls again, in milliseconds. */
const riseAfter = 10_000
const fallAfter = 2000

/** Without an explicit limit, it is unknown until the API reports it. */
export const make = (kind: Kind, explicit: number | undefined): Limit => {
  let limit = explicit
  let pace = explicit === undefined ? fast : 1
  let isEven = explicit !== undefined
  /** Whether the limit is a guess, because no answer has limits. */
  let isAssumed = false
  let emptyAt = -Infinity
  let passedBefore = 0
  let changedAt = -Infinity
  /** How often the pace has risen since the last refusal: it rises faster and faster. */
  let rises = 0
  let error = 0
  let inFlight = 0
  /** Everything that calls have used so far. */
  let used = 0
  /** The most that the API has reported: its bucket may hold less than a minute's worth. */
  let size = explicit ?? 0
  const bucket = Bucket.make(explicit ?? 0, explicit ?? Infinity)
  const paced = Bucket.make(explicit ?? 0, explicit === undefined ? Infinity : (explicit / 60) * burst)

  const resize = (now: number, perMinute: number) => {
    limit = perMinute
    bucket.resize(now, perMinute, isAssumed ? Infinity : Math.min(Math.max(size, perMinute / 60, 1), perMinute))
    paced.resize(now, perMinute * pace, (perMinute / 60) * burst)
  }

  const setPace = (now: number, faster: number) => {
    pace = faster
    changedAt = now
    if (limit !== undefined) resize(now, limit)
  }

  /** As long as no call is refused, the pace rises again. */
  const recover = (now: number) => {
    if (pace === fast || limit === undefined || now < changedAt + riseAfter) return
    if (!isEven && bucket.level(now) > limit / 4) setPace(now, fast)
    else if (isAssumed) setPace(now, pace * (1 + rise * ++rises))
    else if (pace < even) setPace(now, Math.min(even, pace * (1 + rise * ++rises)))
  }

  /** Between two refusals, a bucket that is empty at both lets through what it refills. So that is its rate. */
  const assume = (now: number) => {
    const passed = used + inFlight - passedBefore
    const minutes = (now - emptyAt) / 60_000
    if (minutes < shortest) return
    passedBefore = used + inFlight
    emptyAt = now
    if (minutes === Infinity || passed === 0) return
    isAssumed = true
    pace = 1
    changedAt = now
    size = Infinity
    resize(now, Math.max(lowest, (passed / minutes) * 0.95))
    bucket.set(now, Infinity)
    paced.set(now, 0)
  }

  /** The level from which on a call may leave. */
  const needed = (amount: number): number => {
    // Output is taken as it is produced, so that the API lets a call in while anything is left.
    if (kind === "outputTokens") return 0
    // The prompt may be longer than estimated.
    return kind === "inputTokens" ? amount * 1.1 + error : amount
  }

  const learn = (now: number, reported: Reported, usedBefore: number) => {
    const isNew = limit === undefined || isAssumed
    if (isAssumed) size = 0
    isAssumed = false
    const lower = Math.min(reported.limit, explicit ?? Infinity)
    error = roundingOf(reported)
    const highest = Math.max(size, reported.remaining)
    if (limit !== lower || size !== highest) {
      size = highest
      resize(now, lower)
    }
    // All that was in flight since the call began may be in `remaining` already, or none of it.
    const least = reported.remaining - error - inFlight - (used - usedBefore)
    const isRoomy = size > 4 * inFlight
    const most = reported.remaining - (kind === "outputTokens" && isRoomy ? inFlight : 0)
    const level = bucket.level(now)
    if (isNew) {
      bucket.set(now, least)
      paced.set(now, 0)
    } else if (level > most) bucket.set(now, most)
    else if (level < least && limit === reported.limit && reported.remaining > 2 * error) bucket.set(now, least)
  }

  return {
    wait: (now, amount) =>
      limit === undefined
        ? 0
        : Math.max(bucket.wait(now, needed(amount)), paced.wait(now, kind === "requests" ? amount : 0)),
    lasts: (now) => (limit === undefined ? Infinity : Math.min(bucket.level(now), paced.level(now)) / limit),
    take: (now, amount) => {
      recover(now)
      const usedBefore = used
      let isShort = false
      inFlight += amount
      bucket.take(now, amount)
      paced.take(now, amount)
      return {
        learn: (now, reported) => {
          isShort = leavesTooLittle(reported, amount)
          learn(now, reported, usedBefore)
        },
        isShort: () => isShort,
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
    refused: (now, isExplained) => {
      if (!isExplained) isEven = true
      rises = 0
      if (limit === undefined || isAssumed) assume(now)
      else if (pace > even) setPace(now, even)
      else if (now >= changedAt + fallAfter) setPace(now, pace * 0.9)
      if (limit !== undefined) paced.set(now, Math.min(0, paced.level(now)))
    }
  }
}

/** Whether too little for an amount is left according to a report. */
export const leavesTooLittle = (reported: Reported, amount: number): boolean =>
  reported.remaining - roundingOf(reported) < amount

/** The API rounds tokens to thousands. */
const roundingOf = ({ limit, remaining }: Reported): number => (limit >= 10_000 && remaining % 1000 === 0 ? 500 : 0)
