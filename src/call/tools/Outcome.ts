/**
 * How a call of a tool ended, and what the model receives. It is plain JSON, so that a job can store it.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { ToolEnding } from "../../claude/Event.ts"
import * as ToolResult from "../../claude/ToolResult.ts"

/** The ways in which a call ends. All but `succeeded` are reported to the model as an error. */
const Ending = Schema.Literals([
  "succeeded",
  /** The handler failed, and its tool returns failures to the model. */
  "failed",
  "timed-out",
  /** The call was not approved. */
  "denied",
  "unknown-tool",
  "invalid-arguments",
  /** The loop ended first. */
  "not-run"
]) satisfies Schema.Codec<ToolEnding>

/** Content in the form of the API. */
const AnyContent = Schema.declare(
  (value): value is ToolResult.Content =>
    Predicate.isString(value) || (Array.isArray(value) && value.every(Predicate.isObject))
)

/** How a call ended. */
export const Outcome = Schema.Struct({
  outcome: Ending,
  content: AnyContent,
  result: Schema.optionalKey(Schema.Unknown)
})
export type Outcome = typeof Outcome.Type

/** An outcome as JSON text, for a store. */
export const Stored = Schema.fromJsonString(Outcome, { replacer: ToolResult.bigintAsText })

/** The block that answers a call. */
export const toBlock = (
  { id, toolset_name: toolset }: Pick<Anthropic.ToolUseBlock, "id" | "toolset_name">,
  { content, outcome }: Outcome
): Anthropic.ToolResultBlockParam => ({
  type: "tool_result",
  tool_use_id: id,
  // The API refuses an error without content.
  content: content === "" && outcome !== "succeeded" ? outcome : content,
  ...(outcome !== "succeeded" && { is_error: true }),
  ...(toolset && { toolset_name: toolset })
})

/** An outcome without a result of the handler. */
export const textOutcome = (outcome: ToolEnding, content: string): Outcome => ({ outcome, content })
