/**
 * Answers in the API's shapes: a message in one piece, or the events of a stream with the time at which each is due.
 */
import type { Answer } from "./Answer.ts"

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
export const whole = (id: string, model: string, { stopReason, stopSequence, tokens, usage }: Answer) => ({
  id,
  type: "message",
  role: "assistant",
  model,
  content: tokens.length === 0 ? [] : [{ type: "text", text: tokens.join("") }],
  stop_reason: stopReason,
  stop_sequence: stopSequence,
  stop_details: null,
  usage: fullUsage(usage)
})

const fullUsage = (usage: Answer["usage"]) => ({
  input_tokens: usage.input_tokens,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
  output_tokens: usage.output_tokens,
  service_tier: "standard",
  inference_geo: "not_available"
})

/** How long the answer takes, from its start to its last token. */
export const duration = (answer: Answer, pace: Pace): number => due(answer.tokens.length, pace)

const due = (tokens: number, pace: Pace) => pace.timeToFirstToken + (tokens * 1000) / pace.tokensPerSecond

/** Tokens that travel in one event. */
const tokensPerDelta = 4

/** Milliseconds of silence after which the API sends a ping. */
const pingEvery = 10_000

/** The same message as a stream; parts that are due at the same time are one. */
export const streamed = (id: string, model: string, answer: Answer, pace: Pace): ReadonlyArray<Part> => {
  const parts: Array<Part> = []
  for (const { at, event, outputTokens } of events(id, model, answer, pace)) {
    let last = parts.at(-1)
    while (last !== undefined && at - last.at > pingEvery) {
      last = { at: last.at + pingEvery, text: sse({ type: "ping" }), outputTokens: last.outputTokens }
      parts.push(last)
    }
    if (last?.at !== at) parts.push({ at, text: sse(event), outputTokens })
    else parts[parts.length - 1] = { at, text: last.text + sse(event), outputTokens }
  }
  return parts
}

interface Event {
  readonly type: string
  readonly [field: string]: unknown
}

interface Timed {
  readonly at: number
  readonly event: Event
  readonly outputTokens: number
}

function* events(id: string, model: string, answer: Answer, pace: Pace): Iterable<Timed> {
  const { stopReason, stopSequence, tokens, usage } = answer
  const start = pace.timeToFirstToken
  const end = duration(answer, pace)
  const first = Math.min(1, tokens.length)
  const begun = whole(id, model, { ...answer, tokens: [], usage: { ...usage, output_tokens: first } })
  const message = { ...begun, stop_reason: null, stop_sequence: null }
  yield { at: 0, event: { type: "message_start", message }, outputTokens: first }
  if (tokens.length > 0) {
    const content_block = { type: "text", text: "" }
    yield { at: start, event: { type: "content_block_start", index: 0, content_block }, outputTokens: first }
    yield { at: start, event: { type: "ping" }, outputTokens: first }
    for (let from = 0; from < tokens.length; from += tokensPerDelta) {
      const sent = tokens.slice(from, from + tokensPerDelta)
      const delta = { type: "text_delta", text: sent.join("") }
      const event = { type: "content_block_delta", index: 0, delta }
      yield { at: due(from, pace), event, outputTokens: from + sent.length }
    }
    yield { at: end, event: { type: "content_block_stop", index: 0 }, outputTokens: tokens.length }
  }
  const delta = { stop_reason: stopReason, stop_sequence: stopSequence, stop_details: null }
  const { cache_creation: _, inference_geo: __, service_tier: ___, ...cumulative } = fullUsage(usage)
  yield { at: end, event: { type: "message_delta", delta, usage: cumulative }, outputTokens: tokens.length }
  yield { at: end, event: { type: "message_stop" }, outputTokens: tokens.length }
}

const sse = (event: Event): string => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
