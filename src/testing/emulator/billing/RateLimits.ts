/**
 * The rate limits of `Anthropic, "Rate limits"` (Oct 2026): for each class of models a bucket of requests, one of input
 * tokens and one of output tokens. Input is taken when a call is let in, without what the prompt cache saves; output is
 * taken as it is produced, so `max_tokens` does not matter. Batches have their own limit of requests, and none of
 * tokens.
 */
import * as Record from "effect/Record"
import * as ApiError from "../wire/ApiError.ts"
import * as TokenBucket from "./TokenBucket.ts"

/** What each group of models may do in a minute. A limit that is left out is so generous that no call meets it. */
export interface Limits {
  readonly requestsPerMinute?: number | undefined
  /** Tokens read from the prompt cache are free. */
  readonly inputTokensPerMinute?: number | undefined
  readonly outputTokensPerMinute?: number | undefined
  /** In a minute, `factor` times the requests of the minute before, and `requests` in any case. */
  readonly acceleration?: { readonly requests: number; readonly factor: number } | undefined
}

/** The limits in force. Times are in milliseconds since 1970. */
export interface RateLimits {
  /** Admits a call, or returns the refusal with its `retry-after`. */
  readonly admit: (group: string, inputTokens: number, now: number) => ApiError.ApiError | undefined
  readonly takeOutput: (group: string, tokens: number, now: number) => void
  readonly headers: (group: string, now: number) => Readonly<Record<string, string>>
}

/** The calls to `/v1/messages/batches`. */
export const batches = "batches"

/** Every message of the API reports three limits, so the emulator has them all. */
const generous = { requests: 1_000_000, inputTokens: 20_000_000_000, outputTokens: 4_000_000_000 }

/** Full buckets for every group of models. */
export const make = (given: Limits = {}): RateLimits => {
  const requests = given.requestsPerMinute
  const limits = {
    requests: requests ?? generous.requests,
    inputTokens: given.inputTokensPerMinute ?? generous.inputTokens,
    outputTokens: given.outputTokensPerMinute ?? generous.outputTokens
  }
  const groups = new Map<string, Group>()
  const find = (name: string): Group => {
    const known = groups.get(name)
    if (known !== undefined) return known
    // The API reports no limits with batches, and tokens have none there.
    const group =
      name === batches
        ? open(requests === undefined ? {} : { requests }, undefined)
        : open(limits, given.acceleration && ramp(given.acceleration))
    groups.set(name, group)
    return group
  }
  return {
    admit: (name, inputTokens, now) => {
      const group = find(name)
      const { inputTokens: input, requests } = group.buckets
      const refusal = exceeded(group, inputTokens, now) ?? group.ramp?.(now)
      if (refusal !== undefined) return { ...refusal, headers: headersOf(group, now) }
      requests?.take(now, 1)
      input?.take(now, inputTokens)
      return undefined
    },
    takeOutput: (name, tokens, now) => find(name).buckets.outputTokens?.take(now, tokens),
    headers: (name, now) => headersOf(find(name), now)
  }
}

type Kind = "requests" | "inputTokens" | "outputTokens"
type Ramp = (now: number) => ApiError.ApiError | undefined

interface Group {
  readonly buckets: { readonly [kind in Kind]?: TokenBucket.TokenBucket }
  readonly ramp: Ramp | undefined
}

const open = (limits: { readonly [kind in Kind]?: number }, ramp: Ramp | undefined): Group => ({
  buckets: Record.map<string, number, TokenBucket.TokenBucket>(limits, TokenBucket.make),
  ramp
})

/** The bucket with the longest wait decides. */
const exceeded = ({ buckets }: Group, inputTokens: number, now: number): ApiError.ApiError | undefined => {
  const wants = [
    { name: "requests", bucket: buckets.requests, amount: 1 },
    { name: "input tokens", bucket: buckets.inputTokens, amount: inputTokens },
    { name: "output tokens", bucket: buckets.outputTokens, amount: 1 }
  ]
  let longest: ApiError.ApiError | undefined
  for (const { amount, bucket, name } of wants) {
    const seconds = Math.ceil((bucket?.wait(now, amount) ?? 0) / 1000)
    if (bucket === undefined || seconds <= (longest?.retryAfter ?? 0)) continue
    const limit = bucket.limit.toLocaleString("en-US")
    const message = `This request would exceed the rate limit for your organization of ${limit} ${name} per minute.`
    longest = { ...ApiError.make(429, message), retryAfter: seconds }
  }
  return longest
}

/** Counts the admitted calls minute by minute, from the first call. */
const ramp = ({ factor, requests }: { readonly requests: number; readonly factor: number }): Ramp => {
  let minute = -Infinity
  let before = 0
  let count = 0
  return (now) => {
    if (now >= minute + 60_000) {
      const elapsed = Math.floor((now - minute) / 60_000)
      before = elapsed === 1 ? count : 0
      count = 0
      minute = elapsed === Infinity ? now : minute + elapsed * 60_000
    }
    if (count < Math.max(requests, factor * before)) {
      count += 1
      return undefined
    }
    const message = "This request would exceed your organization's acceleration limit. Scale up your usage gradually."
    return {
      ...ApiError.make(429, message),
      code: "ramp_limit_exceeded",
      retryAfter: Math.ceil((minute + 60_000 - now) / 1000)
    }
  }
}

const headersOf = ({ buckets }: Group, now: number): Readonly<Record<string, string>> => {
  const { inputTokens, outputTokens, requests } = buckets
  const states = {
    ...(requests && { requests: state(requests, now, 1) }),
    ...(inputTokens && { "input-tokens": state(inputTokens, now, 1000) }),
    ...(outputTokens && { "output-tokens": state(outputTokens, now, 1000) })
  }
  const input = states["input-tokens"]
  const output = states["output-tokens"]
  const all: Record<string, State> = input && output ? { ...states, tokens: together(input, output) } : states
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, { limit, remaining, reset }]) => [
      [`anthropic-ratelimit-${name}-limit`, `${limit}`],
      [`anthropic-ratelimit-${name}-remaining`, `${remaining}`],
      [`anthropic-ratelimit-${name}-reset`, new Date(reset).toISOString().replace(/\.\d+Z$/, "Z")]
    ])
  )
}

interface State {
  readonly limit: number
  readonly remaining: number
  /** When it will be full again, in whole seconds. */
  readonly reset: number
}

/** The API rounds what is left of its tokens to a thousand. Limits below ten thousand are the user's own, and exact. */
const state = (bucket: TokenBucket.TokenBucket, now: number, unit: number): State => {
  const { limit } = bucket
  const left = Math.max(0, bucket.level(now))
  const remaining =
    limit < 10_000 || unit === 1 ? Math.floor(left + 1e-9) : Math.min(limit, Math.round(left / unit) * unit)
  return { limit, remaining, reset: Math.ceil((now + bucket.wait(now, limit)) / 1000) * 1000 }
}

/** `anthropic-ratelimit-tokens-*`, as recorded: the sums, and the earlier reset. */
const together = (input: State, output: State): State => ({
  limit: input.limit + output.limit,
  remaining: input.remaining + output.remaining,
  reset: Math.min(input.reset, output.reset)
})
