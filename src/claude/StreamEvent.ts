/**
 * The events of a streamed answer, and the fold that turns them into the message that `create` would return.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Schema from "effect/Schema"
import * as Json from "./Json.ts"
import { type Message, type ReplyFacts, text as textOf } from "./Reply.ts"

/** The first element of every stream: the facts from the headers. */
export interface StreamStart extends ReplyFacts {
  readonly type: "stream_start"
}

/** `stream_start`, then the API's events as the SDK names and types them. Unknown events pass through. */
export type StreamEvent = StreamStart | Anthropic.RawMessageStreamEvent

/** Whether an event has content that a consumer may act on. After such an event, a stream is not retried. */
export const isContent = (event: StreamEvent): boolean =>
  event.type === "content_block_start" || event.type === "content_block_delta"

/** The text that an event adds to the answer, or an empty string. Gateways send text in start events too. */
export const text = (event: StreamEvent): string => {
  switch (event.type) {
    case "content_block_delta":
      return event.delta.type === "text_delta" ? (event.delta.text ?? "") : ""
    case "content_block_start":
      return event.content_block.type === "text" ? (event.content_block.text ?? "") : ""
    case "message_start":
      return event.message.content.length === 0 ? "" : textOf(event.message)
    default:
      return ""
  }
}

/** The events that would stream this message, with one word of its text in each. */
export const fromMessage = (message: Message): Array<Anthropic.RawMessageStreamEvent> => [
  {
    type: "message_start",
    message: {
      ...message,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { ...message.usage, output_tokens: 1 }
    }
  },
  ...message.content.flatMap(blockEvents),
  {
    type: "message_delta",
    delta: {
      stop_reason: message.stop_reason,
      stop_sequence: message.stop_sequence,
      stop_details: message.stop_details,
      container: message.container
    },
    usage: message.usage
  },
  { type: "message_stop" }
]

const blockEvents = (block: Anthropic.ContentBlock, index: number): Array<Anthropic.RawMessageStreamEvent> => {
  const event = (delta: Anthropic.RawContentBlockDelta) => ({ type: "content_block_delta" as const, index, delta })
  const stop = { type: "content_block_stop" as const, index }
  switch (block.type) {
    case "text": {
      const start = { type: "content_block_start" as const, index, content_block: { ...block, text: "" } }
      return [start, ...splitWords(block.text).map((text) => event({ type: "text_delta", text })), stop]
    }
    case "tool_use": {
      const start = { type: "content_block_start" as const, index, content_block: { ...block, input: {} } }
      return [start, event({ type: "input_json_delta", partial_json: JSON.stringify(block.input) }), stop]
    }
    case "thinking": {
      const start = {
        type: "content_block_start" as const,
        index,
        content_block: { ...block, thinking: "", signature: "" }
      }
      const { thinking, signature } = block
      return [start, event({ type: "thinking_delta", thinking }), event({ type: "signature_delta", signature }), stop]
    }
    default:
      return [{ type: "content_block_start", index, content_block: block }, stop]
  }
}

/** The words, each with the white space before it. White space at the end is cut off first: the pattern would backtrack over it in quadratic time. */
const splitWords = (text: string): ReadonlyArray<string> => {
  const trimmed = text.trimEnd()
  const end = text.slice(trimmed.length)
  const words = trimmed.match(/\s*\S+/g) ?? []
  return end === "" ? words : [...words.slice(0, -1), (words.at(-1) ?? "") + end]
}

/** Builds a message up from its events. `add` mutates; `message` is undefined before `message_start`. */
export interface Accumulator {
  readonly add: (event: StreamEvent) => void
  readonly message: () => Message | undefined
}

/**
 * A new, empty accumulator. The `input` of a tool is its raw text until its block ends, and where that text is not
 * JSON.
 */
export const accumulator = (): Accumulator => {
  let message: Message | undefined
  const partialJson = new Map<number, string>()
  // The place of each index in the content. The indexes may skip numbers; the content has no holes.
  const places = new Map<number, number>()
  const blockAt = (index: number) => message?.content[places.get(index) ?? -1]

  const endInput = (index: number) => {
    const json = partialJson.get(index)
    if (json === undefined) return
    const input = Json.parse(json)
    const block = blockAt(index)
    if (block !== undefined && input !== undefined) Object.assign(block, { input })
    partialJson.delete(index)
  }

  const add = (event: StreamEvent): void => {
    if (event.type === "message_start") {
      places.clear()
      partialJson.clear()
      message = { ...event.message, content: [...event.message.content], usage: { ...event.message.usage } }
    }
    if (message === undefined) return
    switch (event.type) {
      case "content_block_start": {
        const place = places.get(event.index) ?? message.content.length
        places.set(event.index, place)
        const block = { ...event.content_block }
        if (block.type === "text") block.text ??= ""
        if (block.type === "thinking") block.thinking ??= ""
        message.content[place] = block
        const start: unknown = event.content_block
        if (isFallback(start)) message.model = start.to.model
        break
      }
      case "content_block_delta": {
        const block = blockAt(event.index)
        if (block !== undefined) applyDelta(block, event.delta, event.index, partialJson)
        break
      }
      case "content_block_stop":
        endInput(event.index)
        break
      case "message_delta": {
        // Fields beside `delta` belong to the whole message. Only the beta API has any today.
        const { type: _, delta, usage, ...beside } = event
        const { container, ...stop } = delta
        const { stop_reason, stop_sequence, stop_details } = message
        const earlier = definedOnly({ stop_reason, stop_sequence, stop_details })
        Object.assign(message, stop, earlier, definedOnly({ ...stop, container, ...beside }))
        Object.assign(message.usage, definedOnly(usage))
        break
      }
      case "message_stop":
        for (const index of partialJson.keys()) endInput(index)
    }
  }
  return { add, message: () => message }
}

const applyDelta = (
  block: Anthropic.ContentBlock,
  delta: Anthropic.RawContentBlockDelta,
  index: number,
  partialJson: Map<number, string>
): void => {
  if (delta.type === "input_json_delta") {
    const json = (partialJson.get(index) ?? "") + (delta.partial_json ?? "")
    partialJson.set(index, json)
    if (json !== "") Object.assign(block, { input: json })
  } else if (delta.type === "text_delta" && block.type === "text") block.text += delta.text ?? ""
  else if (delta.type === "citations_delta" && block.type === "text") {
    block.citations = [...(block.citations ?? []), delta.citation]
  } else if (delta.type === "thinking_delta" && block.type === "thinking") block.thinking += delta.thinking ?? ""
  else if (delta.type === "signature_delta" && block.type === "thinking") block.signature = delta.signature
  else if (isCompaction(delta)) Object.assign(block, delta, { type: block.type })
}

/** The beta API's: another model continues from here, and the message is that model's. */
const isFallback = Schema.is(
  Schema.Struct({ type: Schema.Literal("fallback"), to: Schema.Struct({ model: Schema.String }) })
)

/** The beta API's: the delta holds the whole content of its block. */
const isCompaction = ({ type }: { readonly type: string }) => type === "compaction_delta"

/** The fields that an update sets. In `message_delta`, null means no change. */
export const definedOnly = (update: object): object =>
  Object.fromEntries(Object.entries(update).filter(([, value]) => value !== null && value !== undefined))
