/**
 * A count of tokens in the form of a reply, so that it is stored and replayed like one. It costs nothing.
 */
import type { Message, Reply } from "../../claude/Reply.ts"

/** Begins the hash of a call that counts tokens. */
export const prefix = "count "

/** A reply that holds a count. Its origin keeps stores from adding a cost. */
export const toReply = (tokens: number): Reply => ({
  message: { ...empty, usage: { ...empty.usage, input_tokens: tokens } },
  requestId: undefined,
  origin: "journal",
  rateLimits: undefined
})

/** The count that a reply holds. */
export const fromReply = ({ message }: Reply): number => message.usage.input_tokens

/** Whether a reply holds a count. */
export const isCount = ({ message }: Reply): boolean => message.id === empty.id

const empty: Message = {
  id: "count",
  type: "message",
  role: "assistant",
  model: "count_tokens",
  content: [],
  stop_reason: null,
  stop_sequence: null,
  stop_details: null,
  container: null,
  diagnostics: null,
  usage: {
    input_tokens: 0,
    output_tokens: 0,
    cache_creation: null,
    cache_creation_input_tokens: null,
    cache_read_input_tokens: null,
    server_tool_use: null,
    service_tier: null,
    speed: null,
    inference_geo: null,
    output_tokens_details: null
  }
}
