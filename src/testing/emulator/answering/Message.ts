/**
 * Answers in the API's shapes: a message in one piece, or the events of a stream with the time at which each is due.
 */
import type { Answer } from "./Answer.ts"
import * as Blocks from "./Blocks.ts"

/** How fast the model is. */
export interface Pace {
  /** Milliseconds before the first token. */
  readonly timeToFirstToken: number
  /** `Infinity` sends everything at once. */
  readonly tokensPerSecond: number
}

/** A part of an event stream, when it is due after the start of the answer, and the output tokens sent by then. */
export interface Part {
  readonly at: number
  readonly text: string
  readonly outputTokens: number
}

/** The message that `create` returns. */
export const whole = (id: string, model: string, { blocks, stopDetails, stopReason, stopSequence, usage }: Answer) => ({
  id,
  type: "message",
  role: "assistant",
  model,
  content: blocks.map((block) => block.whole),
  stop_reason: stopReason,
  stop_sequence: stopSequence,
  stop_details: stopDetails,
  usage
})

/** How long the answer takes, from its start to its last token. */
export const duration = ({ blocks }: Answer, pace: Pace): number => due(Blocks.count(blocks), pace)

const due = (tokens: number, pace: Pace) => pace.timeToFirstToken + (tokens * 1000) / pace.tokensPerSecond

/** Milliseconds of silence after which the API sends a ping. */
const pingEvery = 10_000

/** The same message as a stream, event by event. */
export const streamed = (id: string, model: string, answer: Answer, pace: Pace): ReadonlyArray<Part> => {
  const parts: Array<Part> = []
  for (const { at, event, outputTokens } of events(id, model, answer, pace)) {
    let last = parts.at(-1)
    while (last !== undefined && at - last.at > pingEvery) {
      last = { at: last.at + pingEvery, text: sse({ type: "ping" }), outputTokens: last.outputTokens }
      parts.push(last)
    }
    parts.push({ at, text: sse(event), outputTokens })
  }
  return parts
}

/** Makes one part of those that are due at the same time, which are then sent and billed together. */
export const merged = (parts: ReadonlyArray<Part>): ReadonlyArray<Part> => {
  const all: Array<Part> = []
  for (const part of parts) {
    const last = all.at(-1)
    if (last?.at !== part.at) all.push(part)
    else all[all.length - 1] = { ...part, text: last.text + part.text }
  }
  return all
}

interface Timed {
  readonly at: number
  readonly event: Blocks.Content
  readonly outputTokens: number
}

function* events(id: string, model: string, answer: Answer, pace: Pace): Iterable<Timed> {
  const { blocks, stopDetails, stopReason, stopSequence, usage } = answer
  const first = Math.min(1, usage.output_tokens)
  const begun = { output_tokens: first, output_tokens_details: { thinking_tokens: 0 } }
  const message = {
    ...whole(id, model, { ...answer, blocks: [], usage: { ...usage, ...begun } }),
    stop_reason: null,
    stop_sequence: null,
    stop_details: null
  }
  yield { at: 0, event: { type: "message_start", message }, outputTokens: first }
  let sent = 0
  for (const [index, { deltas, start }] of blocks.entries()) {
    const begun = { at: due(sent, pace), outputTokens: Math.max(first, sent) }
    yield { ...begun, event: { type: "content_block_start", index, content_block: start } }
    if (index === 0) yield { ...begun, event: { type: "ping" } }
    for (const { delta, tokens } of deltas) {
      const at = due(sent, pace)
      sent += tokens
      yield { at, event: { type: "content_block_delta", index, delta }, outputTokens: Math.max(first, sent) }
    }
    const ended = { at: due(sent, pace), outputTokens: Math.max(first, sent) }
    yield { ...ended, event: { type: "content_block_stop", index } }
  }
  const delta = { stop_reason: stopReason, stop_sequence: stopSequence, stop_details: stopDetails }
  const { cache_creation: _, inference_geo: __, service_tier: ___, ...cumulative } = usage
  const end = { at: due(sent, pace), outputTokens: usage.output_tokens }
  yield { ...end, event: { type: "message_delta", delta, usage: cumulative } }
  yield { ...end, event: { type: "message_stop" } }
}

const sse = (event: Blocks.Content): string => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
