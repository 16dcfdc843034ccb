/**
 * The two parts of a response that have no content: where it came from, and how it ended and what it was billed. Pure.
 */
import * as BigDecimal from "effect/BigDecimal"
import type * as Response from "effect/ai/Response"
import type { Message, ReplyFacts } from "../../claude/Reply.ts"
import * as Usage from "../../claude/Usage.ts"
import type { TextReply, Turn } from "../turn.ts"
import * as ProviderOptions from "./ProviderOptions.ts"

/** Where a response came from. */
export const responseMetadata = (
  { id, model }: Pick<Message, "id" | "model">,
  { origin, requestId }: ReplyFacts,
  now: Date
): Response.ResponseMetadataPartEncoded => ({
  type: "response-metadata",
  id,
  modelId: model,
  timestamp: now.toISOString(),
  metadata: { anthropic: { origin, ...(requestId !== undefined && { requestId }) } }
})

/** The tokens of thinking in all calls of a turn, which are output tokens too; undefined where the API does not count them. */
export const reasoningOf = (turn: Turn): number | undefined => {
  const counts = turn.flatMap(({ message }) => message.usage.output_tokens_details?.thinking_tokens ?? [])
  return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0)
}

/** How a response ended, and its tokens. */
export const finish = (
  { cost, message, usage }: TextReply,
  reasoning: number | undefined
): Response.FinishPartEncoded => {
  const { container, stop_details, stop_reason, stop_sequence } = message
  return {
    type: "finish",
    reason: reasonOf(stop_reason),
    usage: {
      inputTokens: {
        uncached: usage.input,
        total: Usage.totalInput(usage),
        cacheRead: usage.cacheRead,
        cacheWrite: usage.cacheWrite5m + usage.cacheWrite1h
      },
      outputTokens: {
        total: usage.output,
        ...(reasoning !== undefined && { reasoning, text: Math.max(0, usage.output - reasoning) })
      }
    },
    metadata: {
      anthropic: {
        usage: ProviderOptions.raw(message.usage),
        ...(stop_reason && { stopReason: stop_reason }),
        ...(stop_sequence && { stopSequence: stop_sequence }),
        ...(stop_details && { stopDetails: ProviderOptions.raw(stop_details) }),
        ...(container && { container: ProviderOptions.raw(container) }),
        ...(cost !== undefined && { cost: BigDecimal.format(cost) })
      }
    }
  }
}

/** effect/ai runs no tool after a reason that is not `stop`, `tool-calls` or `pause`. */
const reasonOf = (reason: string | null): Response.FinishReason =>
  reason === null ? "unknown" : (reasons[reason] ?? "other")

const reasons: Readonly<Record<string, Response.FinishReason>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  tool_use: "tool-calls",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  refusal: "content-filter",
  pause_turn: "pause",
  compaction: "pause"
}
