/**
 * The messages of a request as a whole: which may be empty, which may come last, and which blocks a side may send.
 */
import * as Predicate from "effect/Predicate"
import type * as Prompt from "./Prompt.ts"

type Messages = Prompt.Fields["messages"]

/** The rules that depend on the request: the version of the API, and whether the model continues a last message. */
export interface Rules {
  readonly isNewVersion: boolean
  readonly prefill: boolean
}

const most = 100_000

/** The refusal of a conversation. */
export const check = ({ messages, system }: Prompt.Fields, rules: Rules): string | undefined => {
  if (messages.length === 0) return "messages: at least one message is required"
  if (messages.length > most) {
    return `messages: List should have at most ${most} items after validation, not ${messages.length}`
  }
  return (
    empty(messages) ??
    blank("system", system === undefined || system === "" ? [] : blocksOf(system)) ??
    blank("messages", messages.flatMap(withText)) ??
    misplaced(messages, rules)
  )
}

const empty = (messages: Messages) => {
  const at = messages.findIndex(
    ({ content, role }, at) => content.length === 0 && !(role === "assistant" && at === messages.length - 1)
  )
  return at === -1
    ? undefined
    : `messages.${at}: all messages must have non-empty content except for the optional final assistant message`
}

const blocksOf = (content: Prompt.Content): ReadonlyArray<unknown> =>
  typeof content === "string" ? (content === "" ? [] : [{ type: "text", text: content }]) : content

/** Recorded: the API accepts white space that Claude sent beside a tool call. */
const withText = ({ content, role }: Messages[number]): ReadonlyArray<unknown> => {
  const blocks = blocksOf(content)
  const isCall = (block: unknown) => Predicate.isObject(block) && block["type"] === "tool_use"
  const isBlank = (block: unknown) => Predicate.isObject(block) && /^\s+$/.test(String(block["text"]))
  return role === "assistant" && blocks.some(isCall) ? blocks.filter((block) => !isBlank(block)) : blocks
}

/** Text in the results of tools counts too. An empty block with a breakpoint of the cache is refused for that. */
const blank = (where: string, blocks: ReadonlyArray<unknown>): string | undefined => {
  for (const block of blocks) {
    if (!Predicate.isObject(block)) continue
    const { cache_control, content, text, type } = block
    if (type === "tool_result" && Array.isArray(content)) {
      const refusal = blank(where, content)
      if (refusal !== undefined) return refusal
    }
    if (type !== "text" || typeof text !== "string" || /\S/.test(text)) continue
    if (text !== "") return `${where}: text content blocks must contain non-whitespace text`
    if (cache_control === undefined) return `${where}: text content blocks must be non-empty`
  }
  return undefined
}

const misplaced = (messages: Messages, { isNewVersion }: Rules): string | undefined => {
  for (const [at, { content, role }] of messages.entries()) {
    if (typeof content === "string") continue
    for (const [index, block] of content.entries()) {
      if (!Predicate.isObject(block)) continue
      const path = `messages.${at}.content.${index}`
      const type = String(block["type"])
      if (role !== "user" && type === "tool_result") {
        return `messages.${at}: \`tool_result\` blocks can only be in \`user\` messages`
      }
      if (role !== "assistant" && ofAssistant.has(type)) {
        return `messages.${at}: \`${type}\` blocks can only be in \`assistant\` messages`
      }
      if (role === "system" && !ofSystem.has(type)) return `${path}: system messages can only hold text`
      if (!isNewVersion) continue
      if (role === "assistant" && type === "document") return `${path}: Input tag 'document' is not permitted here`
      const { citations } = block
      if (role === "user" && type === "text" && Array.isArray(citations) && citations.length > 0) {
        return `${path}.text.citations: Extra inputs are not permitted`
      }
    }
  }
  return undefined
}

const ofAssistant = new Set(["tool_use", "thinking", "redacted_thinking", "server_tool_use"])
const ofSystem = new Set(["text", "tool_addition", "tool_removal"])

/** The refusal of an assistant message at the end. A paused turn, after a server tool or a summary, is no prefill. */
export const checkEnd = (messages: Messages, { prefill }: Rules): string | undefined => {
  const last = messages.at(-1)
  if (last?.role !== "assistant" || isPaused(last.content)) return undefined
  if (!prefill) {
    return "This model does not support assistant message prefill. The conversation must end with a user message."
  }
  const block = blocksOf(last.content).at(-1)
  const text = Predicate.isObject(block) && block["type"] === "text" ? String(block["text"]) : ""
  return /\s$/.test(text) ? "messages: final assistant content cannot end with trailing whitespace" : undefined
}

const isPaused = (content: Prompt.Content) =>
  typeof content !== "string" &&
  content.some((block) => Predicate.isObject(block) && serverTool.test(String(block["type"])))

const serverTool = /^(server|mcp)_tool_use$|._tool_result$|^compaction$/
