/**
 * A second opinion on the rate limits of the API, which shares no code with the emulator: it answers or refuses as the
 * documentation says, and in the ways in which servers were seen to differ from it.
 */
import type { Terms } from "./bucket.ts"
import * as Meter from "./meter.ts"
import { type Amounts, type Kind, kinds, sizesIn } from "./rows.ts"

/** What a server does. */
export interface Variant extends Terms {
  /** Per minute. */
  readonly limits: Amounts
  /** Which responses carry `anthropic-ratelimit-*`. */
  readonly headers: "all" | "answers" | "none"
  /** Whether a refusal says when to call again. */
  readonly retryAfter: boolean
  /** The headers are computed again after this many seconds only. */
  readonly stale: number
  /** When output is taken from its bucket. If at the start, a call is let in only where there is room for it. */
  readonly output: "at the start" | "as produced" | "at the end"
  /** Milliseconds to the first token, and for each token. */
  readonly latency: readonly [number, number]
  /** Only the emulator has it: `factor` times the requests of the minute before, and `requests` in any case. */
  readonly acceleration?: { readonly requests: number; readonly factor: number }
}

export const usual: Variant = {
  limits: { requests: 600, input: 300_000, output: 60_000 },
  burst: 60,
  refill: "continuous",
  foreign: 0,
  changes: [],
  headers: "all",
  retryAfter: true,
  stale: 0,
  output: "as produced",
  latency: [300, 15]
}

export interface Response {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Milliseconds until it is sent. */
  readonly after: number
  /** In how many equal parts of that time the output is produced. */
  readonly parts: number
  /** Takes one part of the output from the bucket. */
  readonly produce: (now: number) => void
}

export interface StandIn {
  /** `now` is in milliseconds since the first request, which came at `start`, in milliseconds since 1970. */
  readonly answer: (now: number, body: string) => Response
  readonly state: (now: number) => Meter.State
}

const names = { requests: "requests", input: "input-tokens", output: "output-tokens" } as const

/** A server with full buckets. */
export const make = (variant: Variant, start: number): StandIn => {
  const { admit, buckets, refuse, state } = Meter.make(variant.limits, variant)
  let shown: { readonly at: number; readonly headers: Record<string, string> } | undefined

  const limitHeaders = (now: number): Record<string, string> => {
    if (shown !== undefined && now - shown.at < variant.stale * 1000) return shown.headers
    const headers = Object.fromEntries(kinds.flatMap((kind) => headersOf(kind, now)))
    shown = { at: now, headers }
    return headers
  }

  const headersOf = (kind: Kind, now: number): ReadonlyArray<readonly [string, string]> => {
    const unit = kind === "requests" ? 1 : 1000
    const limit = buckets[kind].limit(now)
    const level = buckets[kind].books(now).level / unit
    const remaining = Math.max(0, unit === 1 ? Math.floor(level) : Math.round(level) * unit)
    const full = new Date(start + now + buckets[kind].wait(now, Infinity))
    const values = { limit, remaining, reset: full.toISOString().replace(/\.\d+/, "") }
    return Object.entries(values).map(([part, value]) => [`anthropic-ratelimit-${names[kind]}-${part}`, `${value}`])
  }

  const refusal = (now: number, wait: number, kind: Kind): Response => {
    refuse()
    const limit = `${buckets[kind].limit(now)} ${names[kind].replace("-", " ")} per minute`
    const message = `This request would exceed your organization's rate limit of ${limit}.`
    return {
      status: 429,
      headers: {
        "x-should-retry": "true",
        ...(variant.retryAfter && { "retry-after": `${Math.max(1, Math.ceil(wait / 1000))}` }),
        ...(variant.headers === "all" && limitHeaders(now))
      },
      body: JSON.stringify({ type: "error", error: { type: "rate_limit_error", message } }),
      after: 20,
      parts: 1,
      produce: () => {}
    }
  }

  return {
    answer: (now, body) => {
      const { input, output } = sizesIn(body)
      const upfront = variant.output === "at the start"
      const wants = { requests: 1, input, output: upfront ? output : 1 }
      const [longest] = kinds
        .map((kind) => ({ kind, wait: buckets[kind].wait(now, wants[kind]) }))
        .toSorted((a, b) => b.wait - a.wait)
      if (longest !== undefined && longest.wait > 0) return refusal(now, longest.wait, longest.kind)
      const take = admit(now, input, output)
      if (upfront) take(now, 1)
      const parts = variant.output === "as produced" ? 8 : 1
      return {
        status: 200,
        headers: variant.headers === "none" ? {} : limitHeaders(now),
        body: message(input, output),
        after: variant.latency[0] + variant.latency[1] * output,
        parts,
        produce: (now) => (upfront ? undefined : take(now, 1 / parts))
      }
    },
    state
  }
}

const message = (input_tokens: number, output_tokens: number) =>
  JSON.stringify({
    id: "msg_stand_in",
    type: "message",
    role: "assistant",
    model: "claude-sonnet-5",
    content: [{ type: "text", text: "word ".repeat(output_tokens) }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { input_tokens, output_tokens, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }
  })
