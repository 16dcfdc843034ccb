/**
 * The parts of a whole answer, in the order of its blocks.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Effect from "effect/Effect"
import type * as AiError from "effect/ai/AiError"
import type * as Response from "effect/ai/Response"
import type { Message } from "../../claude/Reply.ts"
import * as Parts from "./Parts.ts"
import * as ProviderOptions from "./ProviderOptions.ts"

/** The parts of a message, without its metadata and its finish. */
export const make = Effect.fnUntraced(function* (
  { content, model }: Pick<Message, "content" | "model">,
  tools: Parts.Tools
): Effect.fn.Return<Array<Response.PartEncoded>, AiError.AiErrorReason> {
  const reader = Parts.reader(tools)
  const parts: Array<Response.PartEncoded> = []
  for (const block of content) {
    if (block.type === "text") {
      if (block.text !== "") parts.push({ type: "text", text: block.text, ...Parts.textMetadata(block) })
      parts.push(...reader.sources(block.citations))
    } else if (block.type === "thinking" || block.type === "redacted_thinking") {
      const text = block.type === "thinking" ? block.thinking : ""
      parts.push({ type: "reasoning", text, metadata: Parts.reasoningMetadata(block, model) })
    } else {
      const other = reader.other(block)
      parts.push(...(other === undefined ? [opaque(block)] : yield* other))
    }
  }
  return parts
})

/** An empty text that carries a block for which effect/ai has no part. */
export const opaque = (block: Anthropic.ContentBlock): Response.TextPartEncoded => ({
  type: "text",
  text: "",
  metadata: { anthropic: { block: ProviderOptions.raw(block) } }
})
