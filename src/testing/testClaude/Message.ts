/**
 * Builds whole messages from the fields that a test sets, and reads the text of requests. A token is about four
 * characters, for `countTokens`, prompts and answers alike.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import type { Message } from "../../claude/Reply.ts"
import type { Request } from "../../claude/Request.ts"

/** Fields of a message. A string in `content` becomes a text block. */
export interface Fields extends Partial<Omit<Message, "content" | "usage">> {
  readonly content?: ReadonlyArray<string | Anthropic.ContentBlock>
  readonly usage?: Partial<Message["usage"]>
}

/**
 * Builds a whole message as the API would send it, from its text or from some fields. The defaults are the fields of a
 * complete answer; `stop_reason` is `tool_use` if the content calls a tool. Tool calls without an id get one.
 */
export const message = (answer: string | Fields): Message => {
  const { content: parts, usage, id = "msg_test", ...fields } = typeof answer === "string" ? text(answer) : answer
  const content = (parts ?? [""]).map((part, index) => blockOf(part, `${id.replace("msg_", "toolu_")}_${index + 1}`))
  return {
    id,
    type: "message",
    role: "assistant",
    model: "claude-sonnet-5-5",
    content,
    stop_reason: content.some(({ type }) => type === "tool_use") ? "tool_use" : "end_turn",
    stop_sequence: null,
    stop_details: null,
    container: null,
    diagnostics: null,
    ...fields,
    usage: {
      input_tokens: 0,
      output_tokens: tokens(content.map(textOf).join("")),
      cache_creation: null,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      server_tool_use: null,
      service_tier: "standard",
      speed: null,
      inference_geo: null,
      output_tokens_details: null,
      ...usage
    }
  }
}

const text = (of: string): Fields => ({ content: [of] })

const blockOf = (part: string | Anthropic.ContentBlock, id: string): Anthropic.ContentBlock => {
  if (typeof part === "string") return { type: "text", text: part, citations: null }
  return part.type === "tool_use" && part.id === "" ? { ...part, id } : part
}

/** The text by which the tokens of a block are counted, unless `usage` is given. */
const textOf = (block: Anthropic.ContentBlock): string => {
  switch (block.type) {
    case "text":
      return block.text
    case "thinking":
      return block.thinking
    case "tool_use":
      return JSON.stringify(block.input)
    default:
      return ""
  }
}

/** The text of a request: the system prompt and the messages, one line each. */
export const promptText = ({ system, messages }: Pick<Request, "system" | "messages">): string =>
  [system, ...messages.map(({ content }) => content)].flatMap(textsOf).join("\n")

const textsOf = (content: unknown): ReadonlyArray<string> => {
  if (typeof content === "string") return [content]
  if (!Array.isArray(content)) return []
  return content.flatMap((block) => (block.type === "text" ? [block.text] : textsOf(block.content)))
}

/** Counts about four characters per token. */
export const tokens = (text: string): number => Math.ceil(text.length / 4)
