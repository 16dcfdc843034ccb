/**
 * Sums up each minute of a run: the rate limits that the API reported, what calls waited for, and the replies that were used
 * again. A report draws them over time; the calls themselves are stored one by one.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Duration from "effect/Duration"
import type * as Event from "../claude/Event.ts"
import * as Models from "../claude/Models.ts"
import type { Reply } from "../claude/Reply.ts"
import type { RateLimits } from "../claude/RateLimits.ts"
import type { Minute } from "./Journal.ts"

export interface Minutes {
  readonly waited: (event: Event.CallWaited, now: number) => void
  /** A reply of the API, whose headers have the limits. */
  readonly answered: (model: string, reply: Reply, now: number) => void
  /** A reply of an earlier run. */
  readonly replayed: (saved: BigDecimal.BigDecimal | undefined, now: number) => void
  /** Stores the minute that has not ended. */
  readonly flush: () => void
}

type Draft = { -readonly [K in keyof Minute]: Minute[K] }

/** `store` gets a minute, counted from 1970, when it has ended. Times are in milliseconds since 1970. */
export const make = (store: (minute: number, detail: Minute) => void): Minutes => {
  let current = -1
  let draft: Draft = {}
  const limits = new Map<string, RateLimits>()
  const flush = () => {
    if (Object.keys(draft).length > 0) store(current, draft)
  }
  const at = (now: number): Draft => {
    const minute = Math.floor(now / 60_000)
    if (minute > current) {
      flush()
      current = minute
      draft = {}
    }
    return draft
  }
  return {
    waited: ({ duration, for: reason }, now) => {
      const minute = at(now)
      const { calls, milliseconds } = minute.waits?.[reason] ?? { calls: 0, milliseconds: 0 }
      const sum = { calls: calls + 1, milliseconds: milliseconds + Duration.toMillis(duration) }
      minute.waits = { ...minute.waits, [reason]: sum }
    },
    answered: (model, { rateLimits }, now) => {
      if (rateLimits === undefined) return
      const group = Models.limitGroup(model)
      const known = limits.get(group)
      if (known !== undefined && kinds.every((kind) => known[kind]?.limit === rateLimits[kind]?.limit)) return
      limits.set(group, rateLimits)
      const minute = at(now)
      const found = kinds.flatMap((kind) => {
        const limit = rateLimits[kind]?.limit
        return limit === undefined ? [] : [[kind, limit] as const]
      })
      minute.limits = { ...minute.limits, [group]: Object.fromEntries(found) }
    },
    replayed: (price, now) => {
      const minute = at(now)
      const { calls, saved, unpriced } = minute.replays ?? { calls: 0, saved: zero, unpriced: 0 }
      minute.replays = {
        calls: calls + 1,
        saved: price === undefined ? saved : BigDecimal.sum(saved, price),
        unpriced: price === undefined ? unpriced + 1 : unpriced
      }
    },
    flush
  }
}

const kinds = ["requests", "inputTokens", "outputTokens"] as const
const zero = BigDecimal.fromBigInt(0n)
