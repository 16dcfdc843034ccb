/**
 * The calls in flight while the limits are unknown: few at first, and more with each answer. The API refuses at once, so
 * silence is a good sign: the number doubles with each period without a refusal. After a refusal it is half of what was
 * in flight, and grows by one for each round of answers. Times are in milliseconds.
 */

/** How many calls may be in flight. */
export interface Ramp {
  /** Milliseconds until one more call may start, if no answer comes before; 0 if it may start now. */
  readonly wait: (now: number) => number
  readonly started: (now: number) => void
  readonly ended: () => void
  /** The API answered a call. If its answer has limits, they decide from now on. */
  readonly answered: (hasLimits: boolean) => void
  readonly refused: () => void
}

const firstCalls = 8
const period = 2000

/** Nothing is known yet. */
export const make = (): Ramp => {
  let most = firstCalls
  let inFlight = 0
  let since = -Infinity
  let hasLimits = false
  let wasRefused = false
  const grow = (now: number) => {
    if (wasRefused || now < since + period) return
    most *= 2
    since = now
  }
  return {
    wait: (now) => {
      if (hasLimits || inFlight < most) return 0
      grow(now)
      if (inFlight < most) return 0
      return wasRefused ? Infinity : since + period - now
    },
    started: (now) => {
      if (since === -Infinity) since = now
      inFlight += 1
    },
    ended: () => {
      inFlight -= 1
    },
    answered: (withLimits) => {
      hasLimits ||= withLimits
      most += wasRefused ? 1 / most : 1
    },
    refused: () => {
      // Later refusals slow down the pace of the limit.
      if (wasRefused) return
      wasRefused = true
      most = Math.max(1, Math.floor(inFlight / 2))
    }
  }
}
