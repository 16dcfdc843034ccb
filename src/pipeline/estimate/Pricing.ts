/**
 * What each sampled call is expected to be billed: the tokens of its prompt and of its answer, what it reads from the
 * prompt cache and writes to it, and the price of all that. Pure.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Cost from "../../claude/Cost.ts"
import type { Request } from "../../claude/Request.ts"
import type { ServiceTier } from "../../claude/ServiceTier.ts"
import * as TokenEstimate from "../../claude/TokenEstimate.ts"
import * as Usage from "../../claude/Usage.ts"
import * as Learnt from "./Learnt.ts"
import * as Prefix from "./Prefix.ts"

/** A call that a sampled row makes: the names of its steps, and the tokens of the answer that a fake gave, if any. */
export interface Call {
  readonly path: string
  readonly request: Request
  readonly standIn: number | undefined
}

/** A call and its expected bill. */
export interface Priced extends Call {
  /** Tokens of the prompt, and the factor that led to them. */
  readonly tokens: number
  readonly input: Learnt.Expected
  readonly output: Learnt.Expected
}

/** The tokens of each call. */
export const priced = (
  calls: ReadonlyArray<Call>,
  counted: ReadonlyArray<Learnt.Counted>,
  answered: ReadonlyArray<Learnt.Answered>
): ReadonlyArray<Priced> => {
  const [inputOf, outputOf] = [Learnt.inputOf(counted), Learnt.outputOf(answered)]
  return calls.map((call) => {
    const input = inputOf(call.path)
    const tokens = input.expected * TokenEstimate.of(call.request)
    return { ...call, input, tokens, output: outputOf(call.path, call.request, call.standIn) }
  })
}

/** How calls are sent, and when. */
export interface Sending {
  /** The request as it is sent, such as with breakpoints. */
  readonly place: (request: Request) => Request
  readonly serviceTier: ServiceTier
  readonly at: Date
}

/** A price list for calls, in US dollars; undefined where a model has no known price. */
export interface Prices {
  /** The price of a call whose answer has this many tokens. */
  readonly of: (call: Priced, output: number) => number | undefined
  readonly use: (call: Priced) => Prefix.Use
  /** What all calls together cost more, because the first of them write shared prefixes. */
  readonly once: number
}

/** The prices for these calls. */
export const prices = (calls: ReadonlyArray<Priced>, { at, place, serviceTier }: Sending): Prices => {
  const found = Prefix.uses(
    calls.map(({ request }) => place(request)),
    (index) => calls[index]?.input.expected ?? 1
  )
  const uses = new Map(calls.map((call, index) => [call, found.calls[index] ?? nothing]))
  const use = (call: Priced) => uses.get(call) ?? nothing
  return {
    use,
    of: (call, output) => {
      const { read, write } = use(call)
      const { inference_geo: geo, model, speed } = call.request
      return dollars(model, at, {
        input: Math.max(0, call.tokens - read - write["5m"] - write["1h"]),
        cacheRead: read,
        cacheWrite5m: write["5m"],
        cacheWrite1h: write["1h"],
        output,
        serviceTier,
        ...(speed === "fast" && { speed }),
        ...(geo === "us" && { inferenceGeo: geo })
      })
    },
    once: found.once
      .map(({ model, tokens, ttl }) => {
        const written = dollars(model, at, { [ttl === "1h" ? "cacheWrite1h" : "cacheWrite5m"]: tokens, serviceTier })
        const read = dollars(model, at, { cacheRead: tokens, serviceTier })
        return (written ?? 0) - (read ?? 0)
      })
      .reduce((sum, extra) => sum + extra, 0)
  }
}

const nothing: Prefix.Use = { read: 0, write: { "5m": 0, "1h": 0 } }

/** Tokens are expected values here, and are rounded, since no bill has a part of a token. */
const dollars = (model: string, at: Date, usage: Partial<Usage.Usage>): number | undefined => {
  const whole = { ...Usage.zero, ...usage }
  for (const field of classes) whole[field] = Math.round(whole[field])
  const cost = Cost.of({ model, usage: whole, at })
  return cost && BigDecimal.toNumberUnsafe(cost)
}

const classes = ["input", "output", "cacheRead", "cacheWrite5m", "cacheWrite1h"] as const
