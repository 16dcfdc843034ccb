/**
 * Asks for approval before a tool runs, where the tool has `needsApproval`. The answer may take days: a call that waits
 * holds no permit.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Prompt from "effect/ai/Prompt"
import type * as Tool from "effect/ai/Tool"
import type { Request } from "../../claude/Request.ts"
import type { ToolCall } from "./Element.ts"

/** Whether a call may run. The model receives the reason of a denial. */
export type Decision = boolean | { readonly approved: boolean; readonly reason?: string }

/** Decides about one call. */
export type Approve<T extends Readonly<Record<string, Tool.Any>>, E, R> = (
  call: ToolCall<T>
) => Effect.Effect<Decision, E, R>

/** A call of a tool that is not known by its type. */
export type AnyCall = ToolCall<Readonly<Record<string, Tool.Any>>>

/** Whether some call of the tool can need approval. */
export const mayNeed = ({ needsApproval }: Tool.Any): boolean => needsApproval !== undefined && needsApproval !== false

/** Whether this call needs approval. */
export const needs = (
  { needsApproval }: Tool.Any,
  { id, params }: AnyCall,
  messages: Request["messages"]
): Effect.Effect<boolean> => {
  if (typeof needsApproval !== "function") return Effect.succeed(needsApproval ?? false)
  const answer = needsApproval(params, { toolCallId: id, messages: messages.flatMap(toPrompt) })
  return Effect.isEffect(answer) ? answer : Effect.succeed(answer)
}

/** A decision with its reason. */
export const decisionOf = (decision: Decision): Exclude<Decision, boolean> =>
  Predicate.isBoolean(decision) ? { approved: decision } : decision

/** The text that the model receives for a denied call. */
export const denial = ({ reason }: Exclude<Decision, boolean>): string =>
  reason === undefined ? "The user did not approve this call." : `The user did not approve this call: ${reason}`

/** The texts of a message. Other content is left out: a tool decides by its arguments, and by texts. */
const toPrompt = ({ content, role }: Request["messages"][number]): ReadonlyArray<Prompt.Message> => {
  const texts =
    typeof content === "string" ? [content] : (content ?? []).flatMap((one) => (one.type === "text" ? one.text : []))
  const parts = texts.map((text) => Prompt.textPart({ text }))
  if (role === "user") return [Prompt.userMessage({ content: parts })]
  return role === "assistant" ? [Prompt.assistantMessage({ content: parts })] : []
}
