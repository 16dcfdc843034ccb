/** Until Cost.bound exists. */
import type * as BigDecimal from "effect/BigDecimal"
import * as Cost from "../../claude/Cost.ts"
import type { Request } from "../../claude/Request.ts"
import * as Usage from "../../claude/Usage.ts"

export const boundCost = (options: {
  readonly request: Request
  readonly inputTokens: number
  readonly batch: boolean
  readonly at: Date
}): BigDecimal.BigDecimal | undefined => {
  const { at, batch, inputTokens, request } = options
  const usage = {
    ...Usage.zero,
    cacheWrite1h: inputTokens,
    output: request.max_tokens,
    ...(batch && { serviceTier: "batch" })
  }
  return Cost.of({ model: request.model, usage, at })
}
