/**
 * The buckets of one process. Nothing here waits or yields, so that a check and its reservation are one step.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { RateLimits } from "../../claude/RateLimits.ts"
import * as Timer from "../../claude/Timer.ts"
import { type Amounts, type Buckets, type Kind, type Limits, type Reservation, kinds, type Wait } from "./Buckets.ts"
import * as Limit from "./Limit.ts"

/** Buckets with these explicit limits, and with what the API says of the others. */
export const make = (explicit: Limits = {}): Buckets => {
  const groups = new Map<string, Group>()
  const find = (name: string): Group => {
    const known = groups.get(name)
    if (known !== undefined) return known
    const group = makeGroup(explicit)
    groups.set(name, group)
    return group
  }
  return {
    reserve: (name, amounts) =>
      Effect.clockWith((clock) => Effect.succeed(find(name).reserve(amounts, Timer.now(clock), clock))),
    reserveNow: (name, amounts, now, clock) => find(name).reserve(amounts, now, clock)
  }
}

/** A bucket that refills continuously does not ask to wait for longer, in milliseconds. */
const longest = 10_000

interface Group {
  readonly reserve: (amounts: Amounts, now: number, clock: Clock.Clock) => Reservation | Wait
}

const makeGroup = (explicit: Limits): Group => {
  const limits = {
    requests: Limit.make("requests", explicit.requests),
    inputTokens: Limit.make("inputTokens", explicit.inputTokens),
    outputTokens: Limit.make("outputTokens", explicit.outputTokens)
  }
  let closedAt = -Infinity
  let closedUntil = -Infinity

  /** Without a report, the limit with the least left is the one that was reached. */
  const emptiest = (now: number): Kind =>
    kinds.reduce((least, kind) => (limits[kind].lasts(now) < limits[least].lasts(now) ? kind : least))

  const reservation = (amounts: Amounts, now: number, clock: Clock.Clock): Reservation => {
    const held = {
      requests: limits.requests.take(now, amounts.requests),
      inputTokens: limits.inputTokens.take(now, amounts.inputTokens),
      outputTokens: limits.outputTokens.take(now, amounts.outputTokens)
    }
    return {
      _tag: "Reservation",
      learn: (headers: RateLimits) =>
        Effect.sync(() => {
          const now = Timer.now(clock)
          for (const kind of kinds) {
            const bucket = headers[kind]
            if (bucket !== undefined) held[kind].learn(now, bucket)
          }
        }),
      settle: (used) =>
        Effect.sync(() => {
          const now = Timer.now(clock)
          for (const kind of kinds) held[kind].settle(now, used[kind])
        }),
      refused: (milliseconds) =>
        Effect.sync(() => {
          const arrived = Timer.now(clock)
          for (const kind of kinds) held[kind].giveBack(arrived)
          const wasInFlight = now < closedAt
          closedUntil = Math.max(closedUntil, (wasInFlight ? closedAt : arrived) + milliseconds)
          if (wasInFlight) return
          closedAt = arrived
          const short = kinds.filter((kind) => held[kind].isShort())
          const isExplained = short.length > 0 && milliseconds < longest
          for (const kind of short.length > 0 ? short : [emptiest(arrived)]) limits[kind].refused(arrived, isExplained)
        })
    }
  }

  return {
    reserve: (amounts, now, clock) => {
      if (now < closedUntil) return { _tag: "Wait", milliseconds: closedUntil - now, binds: "pause" }
      let binds: (typeof kinds)[number] | undefined
      let milliseconds = 0
      for (const kind of kinds) {
        const wait = limits[kind].wait(now, amounts[kind])
        if (wait <= milliseconds) continue
        binds = kind
        milliseconds = wait
      }
      return binds === undefined ? reservation(amounts, now, clock) : { _tag: "Wait", milliseconds, binds }
    }
  }
}
