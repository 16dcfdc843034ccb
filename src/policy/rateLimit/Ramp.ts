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
  /** The API refused so much more than in the minute before. From now on, calls grow by half in each minute. */
  readonly accelerated: (now: number, lastMinute: number) => void
}

/** Anthropic publishes no figure. */
const growth = 1.5

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
  const steadily = (now: number): number => {
    if (steady === undefined) return 0
    if (now >= grownAt + 60_000) {
      grownAt = now
      perMinute *= growth
      steady.resize(now, perMinute, perMinute / 60)
    }
    return steady.wait(now, 1)
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
    accelerated: (now, lastMinute) => {
      perMinute = Math.max(1, lastMinute)
      grownAt = now
      steady = Bucket.make(perMinute, perMinute / 60)
      steady.set(now, 0)
    }
  }
}
