/**
 * Writes prompts and answers as the span attributes of the GenAI conventions: JSON text, redacted. Binary and encrypted
 * data is left out. A block that the conventions do not define becomes a `generic` part with its type.
 */
import * as Predicate from "effect/Predicate"
import type { Attributes } from "../../claude/Attributes.ts"
import type { Redact } from "../../claude/Redact.ts"
import type { Message } from "../../claude/Reply.ts"
import type { Request } from "../../claude/Request.ts"

/** The messages of a request, and its system prompt. */
export const ofRequest = ({ messages, system }: Request, redact: Redact): Attributes => ({
  "gen_ai.input.messages": redact(
    JSON.stringify(messages.map(({ content = [], role }) => ({ role: roleOf(role, content), parts: parts(content) })))
  ),
  ...(system !== undefined && { "gen_ai.system_instructions": redact(JSON.stringify(parts(system))) })
})

/** An answer, which may be incomplete. */
export const ofMessage = ({ content, role }: Message, redact: Redact): Attributes => ({
  "gen_ai.output.messages": redact(JSON.stringify([{ role, parts: parts(content) }]))
})

type Content = NonNullable<Request["messages"][number]["content"] | Message["content"] | Request["system"]>
type Block = Exclude<Content, string>[number]

/** In the API the role of tool results is `user`, in the conventions it is `tool`. */
const roleOf = (role: string, content: Content): string =>
  typeof content !== "string" && content.length > 0 && content.every(({ type }) => type === "tool_result")
    ? "tool"
    : role

const parts = (content: Content): ReadonlyArray<object> =>
  typeof content === "string" ? [{ type: "text", content }] : Array.from(content, part)

const part = (block: Block): object => {
  switch (block.type) {
    case "text":
      return { type: "text", content: block.text }
    case "thinking":
      return { type: "reasoning", content: block.thinking }
    case "tool_use":
      return { type: "tool_call", id: block.id, name: block.name, arguments: block.input }
    case "tool_result":
      return { type: "tool_call_response", id: block.tool_use_id, response: result(block.content) }
    case "server_tool_use":
    case "mcp_tool_use":
      return {
        type: "server_tool_call",
        id: block.id,
        name: block.name,
        server_tool_call: { type: block.name, input: block.input }
      }
    case "image":
    case "document":
      if (block.source.type === "url") return { type: "uri", modality: block.type, uri: block.source.url }
      if (block.source.type === "file") return { type: "file", modality: block.type, file_id: block.source.file_id }
      return generic(block)
    case "compaction":
      return { type: "compaction", content: block.content }
    default:
      return "tool_use_id" in block
        ? { type: "server_tool_call_response", id: block.tool_use_id, server_tool_call_response: { type: block.type } }
        : generic(block)
  }
}

const generic = ({ type }: Block) => ({ type: "generic", generic_type: type })

const result = (content: unknown): unknown =>
  Array.isArray(content)
    ? content.map((block) => (Predicate.hasProperty(block, "text") ? block.text : { type: block.type }))
    : (content ?? "")
