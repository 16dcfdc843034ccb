/**
 * The attributes that the span of effect/ai gets, as from its other providers. The spans of a call are `Telemetry`'s.
 */
import type * as LanguageModel from "effect/ai/LanguageModel"
import * as Telemetry from "effect/ai/Telemetry"
import type { Request } from "../../claude/Request.ts"
import * as Usage from "../../claude/Usage.ts"
import type { TextReply } from "../turn.ts"

/** Adds the attributes of a request and its answer to the span. */
export const add = (
  { span }: Pick<LanguageModel.ProviderOptions, "span">,
  { max_tokens, model }: Request,
  { message, usage }: TextReply
): void =>
  Telemetry.addGenAIAnnotations(span, {
    provider: { name: "anthropic" },
    operation: { name: "chat" },
    request: { model, maxTokens: max_tokens },
    response: { id: message.id, model: message.model, finishReasons: message.stop_reason ? [message.stop_reason] : [] },
    usage: { inputTokens: Usage.totalInput(usage), outputTokens: usage.output }
  })
