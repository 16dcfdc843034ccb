/**
 * The share of one process, where several processes have the same limits and cannot reach each other: an equal part of
 * the limits, and of what the API reports.
 */
import * as Effect from "effect/Effect"
import type { RateLimits } from "../../claude/RateLimits.ts"
import { type Buckets, type Limits } from "./Buckets.ts"
import * as LocalBuckets from "./LocalBuckets.ts"

/** Buckets with the limits of all, divided by the number of processes. */
export const make = (limits: Limits, processes: number): Buckets => {
  const part = (limit: number | undefined) => limit && limit / processes
  const buckets = LocalBuckets.make({
    requests: part(limits.requests),
    inputTokens: part(limits.inputTokens),
    outputTokens: part(limits.outputTokens)
  })
  return {
    reserve: (group, amounts) =>
      Effect.map(buckets.reserve(group, amounts), (answer) =>
        answer._tag === "Wait" ? answer : { ...answer, learn: (reported) => answer.learn(partOf(reported, processes)) }
      )
  }
}

const partOf = ({ inputTokens, outputTokens, requests }: RateLimits, processes: number): RateLimits => {
  const part = <B extends NonNullable<typeof requests>>(bucket: B): B => ({
    ...bucket,
    limit: bucket.limit / processes,
    remaining: bucket.remaining / processes
  })
  return {
    ...(requests && { requests: part(requests) }),
    ...(inputTokens && { inputTokens: part(inputTokens) }),
    ...(outputTokens && { outputTokens: part(outputTokens) })
  }
}
