/**
 * The events of a streamed answer, and the fold that turns them into the message that `create` would have returned.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Message, ReplyFacts } from "./Reply.ts"

/** The first element of every stream: the facts that came with the headers. */
export interface StreamStart extends ReplyFacts {
  readonly type: "stream_start"
}

/** `stream_start`, then the API's events as the SDK names and types them. Unknown events pass through. */
export type StreamEvent = StreamStart | Anthropic.RawMessageStreamEvent

/** True for the first event that a consumer could have acted on: from here on a stream is not retried. */
export const isContent = (event: StreamEvent): boolean =>
  event.type === "content_block_start" || event.type === "content_block_delta"

/** The text that an event adds, or an empty string. */
export const text = (event: StreamEvent): string =>
  event.type === "content_block_delta" && event.delta.type === "text_delta" ? event.delta.text : ""

/** A message as the events that would have brought it, its text in pieces of a word each. */
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
      return [start, ...wordsOf(block.text).map((text) => event({ type: "text_delta", text })), stop]
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

/** Each with the white space before it; the last with that at the end, which is set apart, lest it is gone through again and again. */
const wordsOf = (text: string): ReadonlyArray<string> => {
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

/** A new, empty accumulator. */
export const accumulator = (): Accumulator => {
  let message: Message | undefined
  const partialJson = new Map<number, string>()
  // Where the block of an index stands: the content has no hole when an index was skipped.
  const places = new Map<number, number>()
  const blockAt = (index: number) => message?.content[places.get(index) ?? -1]

  const add = (event: StreamEvent): void => {
    if (event.type === "message_start") {
      places.clear()
      message = { ...event.message, content: [...event.message.content], usage: { ...event.message.usage } }
    }
    if (message === undefined) return
    switch (event.type) {
      case "content_block_start": {
        const place = places.get(event.index) ?? message.content.length
        places.set(event.index, place)
        message.content[place] = { ...event.content_block }
        const block: unknown = event.content_block
        if (isFallback(block)) message.model = block.to.model
        break
      }
      case "content_block_delta": {
        const block = blockAt(event.index)
        if (block !== undefined) applyDelta(block, event.delta, event.index, partialJson)
        break
      }
      case "content_block_stop": {
        const json = partialJson.get(event.index)
        const block = blockAt(event.index)
        if (json !== undefined && Predicate.hasProperty(block, "input")) block.input = parseInput(json)
        break
      }
      case "message_delta": {
        // What stands beside `delta` is said of the whole message: fields of the beta API, today.
        const { type: _, delta, usage, ...beside } = event
        const { container, ...stop } = delta
        Object.assign(message, stop, definedOnly({ container, ...beside }))
        Object.assign(message.usage, definedOnly(usage))
      }
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
  if (delta.type === "input_json_delta") partialJson.set(index, (partialJson.get(index) ?? "") + delta.partial_json)
  else if (delta.type === "text_delta" && block.type === "text") block.text += delta.text
  else if (delta.type === "citations_delta" && block.type === "text") {
    block.citations = [...(block.citations ?? []), delta.citation]
  } else if (delta.type === "thinking_delta" && block.type === "thinking") block.thinking += delta.thinking
  else if (delta.type === "signature_delta" && block.type === "thinking") block.signature = delta.signature
  else if (isCompaction(delta)) Object.assign(block, delta, { type: block.type })
}

/** The beta API's: another model goes on from here, and the message is that one's. */
const isFallback = Schema.is(
  Schema.Struct({ type: Schema.Literal("fallback"), to: Schema.Struct({ model: Schema.String }) })
)

/** The beta API's: it carries all that its block is to hold. */
const isCompaction = ({ type }: { readonly type: string }) => type === "compaction_delta"

const decodeInput = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

/** Tool input that was cut off stays as the text that came. */
const parseInput = (json: string): unknown => (json === "" ? {} : Option.getOrElse(decodeInput(json), () => json))

/** The fields that an update really sets: `message_delta` leaves null what it does not speak of. */
export const definedOnly = (update: object): object =>
  Object.fromEntries(Object.entries(update).filter(([, value]) => value !== null && value !== undefined))
