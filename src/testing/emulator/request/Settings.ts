/**
 * The settings of a request against what its model accepts: `max_tokens`, sampling, effort, thinking, speed, prefill.
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Models from "../../../claude/Models.ts"
import type { ApiError } from "../wire/ApiError.ts"
import { refuseIf, required, shouldBe } from "../wire/Refusal.ts"
import * as Capabilities from "./Capabilities.ts"

/** A number of tokens. */
export const count = Schema.Number.annotate(shouldBe("a valid integer")).check(
  Schema.isInt(shouldBe("a valid integer")),
  Schema.isGreaterThanOrEqualTo(0, shouldBe("greater than or equal to 0"))
)

/** The thinking of a request. */
export const Thinking = Schema.Struct({
  type: Schema.Literals(["enabled", "disabled", "adaptive", "between_tools"])
    .annotate(shouldBe("'adaptive', 'between_tools', 'disabled' or 'enabled'"))
    .annotateKey(required),
  budget_tokens: Schema.optionalKey(
    Schema.Number.annotate(shouldBe("a valid integer")).check(
      Schema.isInt(shouldBe("a valid integer")),
      Schema.isGreaterThanOrEqualTo(1024, shouldBe("greater than or equal to 1024"))
    )
  )
}).annotate(shouldBe("an object"))

/** The level of effort of a request. */
export const Effort = Schema.Literals(Capabilities.efforts).annotate(
  shouldBe("'low', 'medium', 'high', 'xhigh' or 'max'")
)

/** The settings of a decoded request. */
export interface Settings {
  readonly max_tokens?: number
  readonly temperature?: number
  readonly top_p?: number
  readonly top_k?: number
  readonly speed?: string | null
  readonly thinking?: typeof Thinking.Type | null
  readonly output_config?: { readonly effort?: Capabilities.Effort | null } | null
  readonly tool_choice?: { readonly type: string } | null
}

/** Refuses the first setting that the model does not accept. */
export const check = (settings: Settings, model: Models.Model): Effect.Effect<void, ApiError> => {
  const capabilities = Capabilities.find(model.id)
  return refuseIf(
    maxTokens(settings, model),
    speed(settings, model),
    capabilities && sampling(settings, capabilities),
    capabilities && thinking(settings, capabilities),
    budget(settings),
    capabilities && effort(settings, capabilities),
    toolChoice(settings, model)
  )
}

const maxTokens = ({ max_tokens }: Settings, { id, maxOutputTokens }: Models.Model) =>
  max_tokens !== undefined && max_tokens > maxOutputTokens
    ? `max_tokens: ${max_tokens} > ${maxOutputTokens}, which is the maximum allowed number of output tokens for ${id}`
    : undefined

const speed = ({ speed }: Settings, { id, prices }: Models.Model) =>
  speed === "fast" && !prices.some(({ fast }) => fast !== undefined)
    ? `'${id}' does not support the \`speed\` parameter.`
    : undefined

const sampling = ({ temperature, thinking, top_k, top_p }: Settings, { sampling }: Capabilities.Capabilities) => {
  if (temperature !== undefined && (temperature < 0 || temperature > 1)) return "temperature: range: 0..1"
  if (top_p !== undefined && (top_p < 0 || top_p > 1)) return "top_p: range: 0..1"
  if (thinking?.type === "enabled" && temperature !== undefined && temperature !== 1) {
    return "`temperature` may only be set to 1 when thinking is enabled."
  }
  if (sampling) return undefined
  // The default values are accepted.
  const refused =
    temperature !== undefined && temperature !== 1
      ? "temperature"
      : top_p !== undefined && top_p < 0.99
        ? "top_p"
        : top_k !== undefined
          ? "top_k"
          : undefined
  return refused && `\`${refused}\` is deprecated for this model.`
}

const thinking = ({ thinking }: Settings, { thinking: accepted }: Capabilities.Capabilities) => {
  const type = thinking?.type
  if (type === undefined || accepted.includes(type)) return undefined
  if (type === "adaptive") return "adaptive thinking is not supported on this model"
  const remedy = accepted.includes("adaptive")
    ? 'Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
    : 'Use "thinking.type.enabled" with "budget_tokens".'
  return `"thinking.type.${type}" is not supported for this model. ${remedy}`
}

const budget = ({ max_tokens, thinking, tool_choice }: Settings) => {
  if (thinking?.type !== "enabled") return undefined
  if (thinking.budget_tokens === undefined) return "thinking.enabled.budget_tokens: Field required"
  if (max_tokens !== undefined && max_tokens <= thinking.budget_tokens) {
    return "`max_tokens` must be greater than `thinking.budget_tokens`."
  }
  const isForced = tool_choice?.type === "any" || tool_choice?.type === "tool"
  return isForced ? "Thinking may not be enabled when tool_choice forces tool use." : undefined
}

const effort = (
  { output_config, thinking }: Settings,
  { effortWithoutThinking, efforts, thinking: types }: Capabilities.Capabilities
) => {
  const effort = output_config?.effort ?? undefined
  if (effort === undefined) return undefined
  if (efforts.length === 0) return "This model does not support the effort parameter."
  if (!efforts.includes(effort)) {
    const supported = efforts.toSorted().join(", ")
    return `This model does not support effort level '${effort}'. Supported levels: ${supported}.`
  }
  const isOff = thinking?.type === "disabled" || (thinking?.type === "between_tools" && types.includes("between_tools"))
  const isAbove = (limit: Capabilities.Effort) =>
    Capabilities.efforts.indexOf(effort) > Capabilities.efforts.indexOf(limit)
  return isOff && effortWithoutThinking !== undefined && isAbove(effortWithoutThinking)
    ? `output_config.effort '${effort}' is not supported when thinking is disabled on this model. ` +
        `Use effort '${effortWithoutThinking}' or below, or enable thinking.`
    : undefined
}

const toolChoice = ({ tool_choice }: Settings, { id }: Models.Model) =>
  !Models.acceptsForcedTools(id) && (tool_choice?.type === "any" || tool_choice?.type === "tool")
    ? 'tool_choice: type "tool" and "any" are not supported for this model.'
    : undefined
