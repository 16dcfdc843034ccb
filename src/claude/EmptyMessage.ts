/**
 * A message without an answer. It fills the form of a message where only some fields of it matter.
 */
import type { Message } from "./Reply.ts"

export const emptyMessage: Message = {
  id: "msg_empty",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-5-5",
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
