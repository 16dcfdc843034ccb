/**
 * Data on the wire, for tests: a request, the messages of the API, its errors, and the bytes of its streams.
 */
import * as Schema from "effect/Schema"
import type { Message } from "../src/claude/Reply.ts"
import type { Request } from "../src/claude/Request.ts"
import { fromMessage, type StreamStart } from "../src/claude/StreamEvent.ts"
import { type Fields, message as whole } from "../src/testing/TestClaude.ts"

/** The smallest request. */
export const request: Request = {
  model: "claude-sonnet-5-5",
  max_tokens: 100,
  messages: [{ role: "user", content: "Hi" }]
}

/** A message with this text, or with these fields. */
export const message = (answer: string | Fields = "Hello, you there."): Message => {
  const fields = typeof answer === "string" ? { content: [answer] } : answer
  return whole({ id: "msg_1", ...fields, usage: { input_tokens: 10, output_tokens: 20, ...fields.usage } })
}

/** The blocks of a web search that the API ran: the call and its result. */
export const searched = [
  { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: {}, caller: { type: "direct" } },
  { type: "web_search_tool_result", tool_use_id: "srvtoolu_1", content: [], caller: { type: "direct" } }
] as const satisfies ReadonlyArray<Message["content"][number]>

/** A block of thinking. */
export const thinking: Message["content"][number] = { type: "thinking", thinking: "hm", signature: "s" }

/** A schema that contains itself. */
export interface Tree {
  readonly name: string
  readonly branches: ReadonlyArray<Tree>
}
export const Tree: Schema.Codec<Tree> = Schema.Struct({
  name: Schema.String,
  branches: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree))
}).annotate({ identifier: "Tree" })

/** The body of an error answer. */
export const failure = (type: string, text = "something happened", code?: string) => ({
  type: "error",
  error: { type, message: text, ...(code !== undefined && { details: { error_code: code } }) }
})

/** Events as the bytes of a stream. */
export const sse = <E extends { readonly type: string }>(events: ReadonlyArray<E>): string =>
  events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("")

/** The events of a message up to its first piece of text, inclusive. */
export const firstHalf = (whole: Message) => fromMessage(whole).slice(0, 3)

/** The first element of a stream without facts. */
export const streamStart: StreamStart = {
  type: "stream_start",
  requestId: undefined,
  origin: "api",
  rateLimits: undefined
}
