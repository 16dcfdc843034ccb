/**
 * Summarises a prompt before it is answered, as compaction of the beta API does. Writing the summary is an iteration of
 * its own, which reads the whole prompt; the answer then reads tools, system prompt and summary only.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as PromptCache from "../billing/PromptCache.ts"
import * as Prompt from "../request/Prompt.ts"
import type * as Segments from "../request/Segments.ts"
import * as Tokens from "../request/Tokens.ts"
import type { Call } from "../request/Validation.ts"
import * as Blocks from "./Blocks.ts"
import type * as Replies from "./Replies.ts"

/** The tokens of a summary, if the prompt has as many. */
const longest = 500

/** The summary of a text: its beginning. */
const summarise = (prompt: string): Blocks.Content => {
  const content = `Summary: ${Tokens.split(prompt).slice(0, longest).join("")}`
  return { type: "compaction", content, encrypted_content: null }
}

/** The prompt after the summary. The next request of the client has the same segments at its beginning. */
const remaining = (
  segments: ReadonlyArray<Segments.Segment>,
  block: Blocks.Content
): ReadonlyArray<Segments.Segment> => {
  const first = segments.findIndex(({ path }) => path.startsWith("messages."))
  const replaced = segments[first]
  if (replaced === undefined) return segments
  const key = Predicate.isObject(replaced.key) ? { ...replaced.key, role: "user", block } : block
  const tokens = Prompt.tokensOf(block)
  return [...segments.slice(0, first), { path: replaced.path, key, tokens, breakpoint: undefined }]
}

const none: PromptCache.Input = {
  input_tokens: 0,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 }
}

/** The answer behind its summary, and the input of the answer alone. `input` is what the summary read. */
export const before = Effect.fnUntraced(function* (
  call: Call,
  reply: Replies.Reply,
  input: PromptCache.Input,
  cache: (segments: ReadonlyArray<Segments.Segment>) => Effect.Effect<PromptCache.Input>
) {
  if (call.compaction === undefined) return { reply, input }
  const block = summarise(Prompt.message(call.prompt))
  const compaction = { type: "compaction", ...input, output_tokens: Tokens.count(String(block["content"])) }
  if (call.compaction.pauses) {
    const usage = { iterations: [compaction] }
    return { reply: { content: [block], stop_reason: "compaction", usage }, input: none }
  }
  const rest = yield* cache(remaining(call.segments, block))
  const output_tokens = Blocks.count(Blocks.cut(reply.content, call.maxTokens).blocks)
  const usage = { iterations: [compaction, { type: "message", ...rest, output_tokens }], ...reply.usage }
  return { reply: { ...reply, content: [block, ...reply.content], usage }, input: rest }
})
