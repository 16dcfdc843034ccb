/**
 * What the API said of the limits in its `anthropic-ratelimit-*` headers: the state of each bucket after a call.
 */
import * as Schema from "effect/Schema"

/** One bucket: its size, what is left of it, and when it will be full again (as the API writes it, RFC 3339). */
export const Bucket = Schema.Struct({
  limit: Schema.Finite,
  remaining: Schema.Finite,
  reset: Schema.optionalKey(Schema.String)
})

/** The buckets that the headers spoke of. Limits are per minute; tokens are counted apart for input and output. */
export const RateLimits = Schema.Struct({
  requests: Schema.optionalKey(Bucket),
  inputTokens: Schema.optionalKey(Bucket),
  outputTokens: Schema.optionalKey(Bucket)
})
export type RateLimits = typeof RateLimits.Type

/** Reads the headers of a response; `undefined` where they say nothing. */
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
