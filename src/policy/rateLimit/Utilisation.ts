/**
 * How much of each limit the calls of the last minute have used.
 */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import { type Amounts, type Binds, type Kind, kinds, type Limits } from "./Buckets.ts"

/** One bucket of a group of models. The metric `effect_claude.rate_limit.utilisation` has its `share`, once a second. */
export interface Utilisation {
  /** `Models.limitGroup` of its models. */
  readonly group: string
  readonly bucket: Kind
  /** A minute's worth; undefined while it is unknown. */
  readonly limit: number | undefined
  /** What the answers of the last minute used. */
  readonly used: number
  /** `used / limit`; it may be above 1, because a bucket is full at first. */
  readonly share: number | undefined
  /** Whether calls wait for this bucket now. */
  readonly binds: boolean
}

/** The use of one group, second by second. Times are in milliseconds. */
export interface Uses {
  readonly add: (now: number, used: Amounts) => void
  /** The sum of the last minute. */
  readonly lastMinute: (now: number) => Amounts
}

/** A minute and the second that is running. */
const seconds = 61

/** Nothing is used yet. */
export const make = (): Uses => {
  const slots = Array.from({ length: seconds }, () => ({
    second: -Infinity,
    requests: 0,
    inputTokens: 0,
    outputTokens: 0
  }))
  return {
    add: (now, used) => {
      const second = Math.floor(now / 1000)
      const slot = slots[second % seconds]
      if (slot === undefined) return
      if (slot.second !== second) Object.assign(slot, { second, requests: 0, inputTokens: 0, outputTokens: 0 })
      for (const kind of kinds) slot[kind] += used[kind]
    },
    lastMinute: (now) => {
      const oldest = Math.floor(now / 1000) - 60
      const sum = { requests: 0, inputTokens: 0, outputTokens: 0 }
      for (const slot of slots) {
        // A part of the oldest second is older than a minute.
        const part = slot.second === oldest ? 1 - (now % 1000) / 1000 : slot.second > oldest ? 1 : 0
        if (part > 0) for (const kind of kinds) sum[kind] += slot[kind] * part
      }
      return sum
    }
  }
}

/** Effect takes the unit of a metric from the attribute `unit`. */
const gauge = Metric.gauge("effect_claude.rate_limit.utilisation", {
  description: "Share of a rate limit that the calls of this process used in the last minute",
  attributes: { unit: "1" }
})

/** Records the share of each known limit as a metric. */
export const record = (buckets: ReadonlyArray<Utilisation>, context: Context.Context<never>): void => {
  for (const { bucket, group, share } of buckets) {
    if (share === undefined) continue
    const attributes = { "effect_claude.limit_group": group, "effect_claude.limit": bucket }
    Metric.withAttributes(gauge, attributes).updateUnsafe(share, context)
  }
}

/** The three buckets of a group. */
export const of = (
  group: string,
  used: Amounts,
  limits: Limits,
  binds: Binds | undefined
): ReadonlyArray<Utilisation> =>
  kinds.map((bucket) => {
    const limit = limits[bucket]
    return {
      group,
      bucket,
      limit,
      used: used[bucket],
      share: limit === undefined ? undefined : used[bucket] / limit,
      binds: binds === bucket
    }
  })
