/**
 * Documents and search results that enable citations. The API refuses them in a request for structured outputs: the places
 * between its texts would break the JSON.
 */
import * as Predicate from "effect/Predicate"
import type { Request } from "./Request.ts"

type Message = Request["messages"][number]
type Block = Exclude<Message["content"], string | undefined>[number]

/** Whether a document or a search result enables citations, in the result of a tool too. */
export const has = (messages: ReadonlyArray<Message>): boolean => messages.some(({ content }) => hasIn(content))

const hasIn = (content: unknown): boolean => Array.isArray(content) && content.some(isCited)

const isCited = (block: unknown): boolean =>
  Predicate.hasProperty(block, "type") &&
  (block.type === "tool_result"
    ? Predicate.hasProperty(block, "content") && hasIn(block.content)
    : Predicate.hasProperty(block, "citations") &&
      Predicate.hasProperty(block.citations, "enabled") &&
      block.citations.enabled === true)

/**
 * The same messages with citations switched off. Texts of earlier answers lose the places in these documents; the places of
 * a web search stay. Without documents that enable citations, the messages stay as they are.
 */
export const without = (messages: ReadonlyArray<Message>): Array<Message> =>
  has(messages) ? messages.map(uncitedMessage) : [...messages]

const uncitedMessage = (message: Message): Message =>
  Array.isArray(message.content)
    ? // Only `citations` changes, so each block keeps its type, which depends on the role.
      ({ ...message, content: message.content.map(uncited) } as Message)
    : message

const uncited = (block: Block): Block => {
  if (block.type === "tool_result" && Array.isArray(block.content)) {
    return { ...block, content: block.content.map((inner) => (isCited(inner) ? switchedOff(inner) : inner)) }
  }
  if (block.type === "text" && block.citations?.some(({ type }) => type !== "web_search_result_location")) {
    return { ...block, citations: null }
  }
  return isCited(block) ? switchedOff(block) : block
}

const switchedOff = <B extends object>(block: B): B => ({ ...block, citations: { enabled: false } })
