/**
 * What a call that has ended has used of the limits.
 */
import * as Exit from "effect/Exit"
import { errorOf, type Outcome } from "../../claude/Admission.ts"
import { isBilled } from "../../claude/Reply.ts"
import * as Usage from "../../claude/Usage.ts"
import type { Amounts } from "./Buckets.ts"

/** Nothing at all, such as an answer of a cache. */
export const nothing: Amounts = { requests: 0, inputTokens: 0, outputTokens: 0 }

const charactersPerToken = 4

/** What a call has used of the limits. Tokens that were read from the prompt cache are free for most models. */
export const of = ({ exit, facts, length, message }: Outcome, expected: Amounts): Amounts => {
  if (facts !== undefined && !isBilled(facts.origin)) return nothing
  const usage = message === undefined ? errorOf({ exit })?.reason.usage : Usage.fromMessage(message.usage)
  if (usage !== undefined) {
    const inputTokens = usage.input + usage.cacheWrite5m + usage.cacheWrite1h
    // The usage of a stream that was cut off has no output yet.
    const outputTokens = Math.max(usage.output, Exit.isSuccess(exit) ? 0 : Math.ceil(length / charactersPerToken))
    return { requests: 1, inputTokens, outputTokens }
  }
  const status = errorOf({ exit })?.reason.status
  // A call that failed without a status may have been answered; one with a status was not.
  return status === undefined ? expected : { requests: 1, inputTokens: 0, outputTokens: 0 }
}
