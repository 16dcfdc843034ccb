/**
 * Replies from code, for content that the emulator does not produce: thinking, citations of a PDF, server tools, `pause_turn`, a
 * refusal in the middle, new kinds of blocks. They are sent as the API sends them, cut at `max_tokens`, and billed by
 * their length. The same request always gets the same reply.
 */
import type { Request } from "../../../claude/Request.ts"
import type { Content } from "./Blocks.ts"

/** A reply; by default it ends with `tool_use` after a tool call, otherwise with `end_turn`. */
export interface Reply {
  readonly content: ReadonlyArray<Content>
  readonly stop_reason?: string
  readonly stop_sequence?: string
  readonly stop_details?: Content
  /** Fields that replace the counts of the emulator or are added, such as `server_tool_use`. */
  readonly usage?: { readonly [field: string]: unknown; readonly output_tokens?: number }
}

/** A reply to some requests. */
export interface Rule {
  /** A pattern in the text of the prompt, or a predicate on the request. */
  readonly when: RegExp | ((request: Request) => boolean)
  readonly reply: Reply | ((request: Request) => Reply)
}

/** The reply of the first rule that applies. */
export const find = (
  rules: ReadonlyArray<Rule>,
  { prompt, request }: { readonly prompt: string; readonly request: Request }
): Reply | undefined => {
  const rule = rules.find(({ when }) => (typeof when === "function" ? when(request) : prompt.search(when) !== -1))
  return typeof rule?.reply === "function" ? rule.reply(request) : rule?.reply
}
