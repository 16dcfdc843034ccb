/**
 * The most that one answer to a request may cost. The bytes of the prompt bound its tokens, at 6.6 times their
 * number in the median of 99 recorded requests; where that would refuse a call, the API counts them, which is free.
 */
import * as BigDecimal from "effect/BigDecimal"
import { ClaudeError, Unsupported } from "../../claude/ClaudeError.ts"
import * as Cost from "../../claude/Cost.ts"
import type { Request } from "../../claude/Request.ts"
import type { ServiceTier } from "../../claude/ServiceTier.ts"
import * as TokenEstimate from "../../claude/TokenEstimate.ts"
import type { Unit } from "../../claude/SpendStore.ts"
import * as Usage from "../../claude/Usage.ts"

/** When and how a request is sent. */
export interface Sending {
  readonly request: Request
  readonly serviceTier: ServiceTier
  readonly at: Date
}

/** The most that the answer may cost in this unit, with at most this many tokens of input; undefined if unbounded. */
export const most = (sending: Sending, unit: Unit, input: number): BigDecimal.BigDecimal | undefined =>
  unit === "USD"
    ? Cost.bound({ ...sending, inputTokens: input })
    : BigDecimal.fromBigInt(BigInt(input + sending.request.max_tokens))

/** The bound of the tokens of the prompt; undefined if it has none. */
export const input = ({ request }: Sending): number | undefined => TokenEstimate.bound(request)

/**
 * The bound that follows from the tokens that the API counted. "The actual number of input tokens may differ by a small
 * amount" (Anthropic, "Token counting", 2026), so it has a margin.
 */
export const ofCount = (tokens: number): number => Math.ceil(tokens * 1.05) + 50

/** Why a call without a bound is not sent. `budget` is the name of the budget, in this unit. */
export const unbounded = ({ at, request }: Sending, unit: Unit, budget: string): ClaudeError => {
  const { model } = request
  const hasPrice = unit === "tokens" || Cost.of({ model, usage: Usage.zero, at }) !== undefined
  const why = hasPrice ? "nothing bounds its tokens" : `${model} has no known price`
  return new ClaudeError({
    reason: new Unsupported({
      detail: `${budget} cannot cover this call, because ${why}`,
      remedy: hasPrice ? withoutBound : "use a model with a price, or a budget in tokens"
    })
  })
}

const withoutBound = "leave out what the API adds to the prompt by itself, such as the pages of a web search"
