/**
 * The rate limits in the `anthropic-ratelimit-*` headers of a response: the state of each bucket after a call.
 */
import * as Schema from "effect/Schema"

/** One bucket: its size, the remaining amount, and the time when it is full again (RFC 3339, as in the header). */
export const Bucket = Schema.Struct({
  limit: Schema.Finite,
  remaining: Schema.Finite,
  reset: Schema.optionalKey(Schema.String)
})

/** The buckets that the headers name. Limits are per minute. Input and output tokens have separate buckets. */
export const RateLimits = Schema.Struct({
  requests: Schema.optionalKey(Bucket),
  inputTokens: Schema.optionalKey(Bucket),
  outputTokens: Schema.optionalKey(Bucket)
})
export type RateLimits = typeof RateLimits.Type

/** Reads the headers of a response; `undefined` where they name no bucket. */
export const fromHeaders = (headers: Headers): RateLimits | undefined => {
  const requests = bucket(headers, "requests")
  const inputTokens = bucket(headers, "input-tokens")
  const outputTokens = bucket(headers, "output-tokens")
  if (!requests && !inputTokens && !outputTokens) return undefined
  return { ...(requests && { requests }), ...(inputTokens && { inputTokens }), ...(outputTokens && { outputTokens }) }
}

const bucket = (headers: Headers, name: string): typeof Bucket.Type | undefined => {
  const limit = Number(headers.get(`anthropic-ratelimit-${name}-limit`) ?? NaN)
  const remaining = Number(headers.get(`anthropic-ratelimit-${name}-remaining`) ?? NaN)
  if (!Number.isFinite(limit) || !Number.isFinite(remaining)) return undefined
  const reset = headers.get(`anthropic-ratelimit-${name}-reset`)
  return { limit, remaining, ...(reset !== null && { reset }) }
}
