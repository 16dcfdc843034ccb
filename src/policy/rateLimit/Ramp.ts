/**
 * The calls in flight while the limits are unknown: few at first, and more with each answer. The API refuses at once, so
 * silence is a good sign: the number doubles with each period without a refusal. After a refusal it begins again with
 * one call, because each call that leaves too early is one more refusal. An acceleration limit slows down the growth of
 * any group. Times are in milliseconds.
 */
import * as Bucket from "./Bucket.ts"

/** A call in flight. */
export interface Started {
  /** The API answered it. If the answer has limits, they decide from now on. */
  readonly answered: (hasLimits: boolean) => void
  readonly ended: () => void
}

/** How many calls may be in flight. */
export interface Ramp {
  /** Milliseconds until one more call may start, if no answer comes before; 0 if it may start now. */
  readonly wait: (now: number) => number
  readonly started: (now: number) => Started
  readonly refused: (now: number) => void
  /**
   * The API refused that calls grow so fast, and wants a pause. Afterwards they start at the rate that they had up to the
   * end of the pause, and grow by half in each such time, which counts as 10 seconds at least and a minute at most.
   */
  readonly accelerated: (now: number, pause: number) => void
}

/** Anthropic publishes no figure. */
const growth = 1.5
const shortestGrowth = 10_000
const minute = 60_000

/** No limit of calls in a minute is higher. */
const unlimited = 1_000_000

const firstCalls = 8
const period = 2000

/** Nothing is known yet. */
export const make = (): Ramp => {
  let most = firstCalls
  /** The calls in flight that started after the last refusal. */
  let inFlight = 0
  let refusals = 0
  let since = -Infinity
  let hasLimits = false
  let steady: Bucket.Bucket | undefined
  let perMinute = 0
  let grownAt = 0
  let growsIn = minute
  /** The calls since the beginning of this minute, and in the minute before. */
  let started = 0
  let startedBefore = 0
  let minuteAt = -Infinity
  const steadily = (now: number): number => {
    if (steady === undefined) return 0
    if (now >= grownAt + growsIn) {
      grownAt = now
      perMinute *= growth
      steady.resize(now, perMinute, Math.max(1, perMinute / 60))
    }
    if (perMinute > unlimited) steady = undefined
    return steady?.wait(now, 1) ?? 0
  }
  const count = (now: number) => {
    if (now >= minuteAt + minute) {
      startedBefore = now < minuteAt + 2 * minute ? started : 0
      started = 0
      minuteAt = now
    }
    started += 1
  }
  const grow = (now: number) => {
    if (now < since + period) return
    most *= 2
    since = now
  }
  return {
    wait: (now) => {
      const steady = steadily(now)
      if (steady > 0 || hasLimits || inFlight < most) return steady
      grow(now)
      if (inFlight < most) return 0
      return since + period - now
    },
    started: (now) => {
      if (since === -Infinity) since = now
      steady?.take(now, 1)
      count(now)
      inFlight += 1
      const beginning = refusals
      return {
        answered: (withLimits) => {
          hasLimits ||= withLimits
          if (beginning === refusals) most += 1
        },
        ended: () => {
          if (beginning === refusals) inFlight -= 1
        }
      }
    },
    refused: (now) => {
      refusals += 1
      inFlight = 0
      most = 1
      since = now
    },
    accelerated: (now, pause) => {
      const elapsed = now - minuteAt
      const recent = started + startedBefore * Math.max(0, 1 - elapsed / minute)
      const time = startedBefore > 0 ? minute : Math.min(minute, Math.max(1000, elapsed + pause))
      perMinute = (recent * minute) / time
      growsIn = Math.max(shortestGrowth, time)
      grownAt = now + pause
      steady = Bucket.make(perMinute, Math.max(1, perMinute / 60))
      steady.set(now, 0)
    }
  }
}
