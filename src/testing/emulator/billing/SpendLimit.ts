/**
 * The spend limit of an organization: once the calls of a month (UTC) reach it, further calls are refused until the next
 * month, with a 429 without `retry-after`. Calls in flight may overshoot it. A model without a known price costs nothing.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Cost from "../../../claude/Cost.ts"
import type * as Usage from "../../../claude/Usage.ts"
import * as ApiError from "../wire/ApiError.ts"

/** The money spent, and the refusal once it is too much. Times are in milliseconds since 1970. */
export interface SpendLimit {
  /** An account for one call of a model; a later bill replaces an earlier one. */
  readonly open: (model: string) => (usage: Usage.Usage, now: number) => void
  readonly check: (now: number) => ApiError.ApiError | undefined
}

const zero = BigDecimal.fromBigInt(0n)

/** A limit in US dollars a month. Without a limit, nothing is added up. */
export const make = (dollars: number | undefined): SpendLimit => {
  if (dollars === undefined) return { open: () => () => {}, check: () => undefined }
  const limit = BigDecimal.fromNumberUnsafe(dollars)
  let month = ""
  let spent = zero
  /** Starts a new month where one has begun. An item of a batch may be billed after the end of its month. */
  const isOfThisMonth = (now: number): boolean => {
    const current = new Date(now).toISOString().slice(0, 7)
    if (current > month) {
      spent = zero
      month = current
    }
    return current === month
  }
  return {
    open: (model) => {
      let billed = zero
      return (usage, now) => {
        const cost = Cost.of({ model, usage, at: new Date(now) }) ?? zero
        if (isOfThisMonth(now)) spent = BigDecimal.sum(spent, BigDecimal.subtract(cost, billed))
        billed = cost
      }
    },
    check: (now) => {
      isOfThisMonth(now)
      return BigDecimal.isLessThan(spent, limit) ? undefined : reached(now)
    }
  }
}

const reached = (now: number): ApiError.ApiError => {
  const today = new Date(now)
  const next = new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + 1))
  const day = next.toISOString().slice(0, 10)
  return {
    ...ApiError.make(429, `You have reached your API usage limits. You will regain access on ${day} at 00:00 UTC.`),
    code: "enforced_spend_limit_reached",
    retryAfter: undefined
  }
}
