/**
 * The blocks of an answer that only its model understands. They go back to this model unchanged, and are removed for any
 * other: a model refuses or ignores the thinking of others. Pure.
 */
import type { Request } from "./Request.ts"

type Messages = Request["messages"]
type Message = Messages[number]

/** A `fallback` block only separates the thinking of two models. */
const modelBound: ReadonlySet<string> = new Set(["thinking", "redacted_thinking", "fallback"])

/** The message without thinking; undefined if it held nothing else, because the API refuses one without content. */
export const without = (message: Message): Message | undefined => {
  if (message.role !== "assistant" || typeof message.content === "string") return message
  const content = message.content.filter(({ type }) => !modelBound.has(type))
  if (content.length === message.content.length) return message
  return content.length === 0 ? undefined : { ...message, content }
}

/** The request without the thinking in its history; the same object where it has none. */
export const removed = (request: Request): Request => {
  const messages = request.messages.flatMap((message) => without(message) ?? [])
  const isSame =
    messages.length === request.messages.length && messages.every((one, at) => one === request.messages[at])
  return isSame ? request : { ...request, messages, ...off(request) }
}

/**
 * Disables manual thinking, for a request from which thinking was removed: with it, the API requires that the last turn of
 * Claude begins with thinking.
 */
export const off = ({ thinking }: Pick<Request, "thinking">): Pick<Request, "thinking"> =>
  thinking?.type === "enabled" ? { thinking: { type: "disabled" } } : {}
