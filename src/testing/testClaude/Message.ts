/**
 * Whole messages from the few fields that a test is about, and what a request says. Tokens are counted at about four
 * characters each, alike for `countTokens`, for the prompts and for the answers.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import type { Message } from "../../claude/Reply.ts"
import type { Request } from "../../claude/Request.ts"

/** Fields of a message. In `content` a string stands for a block of text. */
export interface Fields extends Partial<Omit<Message, "content" | "usage">> {
  readonly content?: ReadonlyArray<string | Anthropic.ContentBlock>
  readonly usage?: Partial<Message["usage"]>
}

/**
 * A whole message as the API would send it, from its text or from some of its fields. What is left out is that of an
 * answer that ended well, or that waits for its tools; blocks without an id get one.
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

/** What is counted of a block that was not told otherwise. */
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

/** The text of a request: the system prompt and the messages, a line each. */
export const promptText = ({ system, messages }: Pick<Request, "system" | "messages">): string =>
  [system, ...messages.map(({ content }) => content)].flatMap(textsOf).join("\n")

const textsOf = (content: unknown): ReadonlyArray<string> => {
  if (typeof content === "string") return [content]
  if (!Array.isArray(content)) return []
  return content.flatMap((block) => (block.type === "text" ? [block.text] : textsOf(block.content)))
}

/** About four characters a token. */
export const tokens = (text: string): number => Math.ceil(text.length / 4)
