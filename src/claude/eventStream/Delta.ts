/**
 * Reads deltas of text, thinking and tool input in exactly the form that the API sends. Most events are such deltas, and
 * this takes less than half the time of splitting lines and parsing all the JSON. Every other form is for `WireEvent`.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Predicate from "effect/Predicate"
import * as Json from "../Json.ts"

/** A delta, and the position after its event. */
export interface Found {
  readonly event: Anthropic.RawContentBlockDeltaEvent
  readonly end: number
}

/** A string as JSON writes it. */
const quoted = String.raw`"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*"`
const kinds = `text_delta","text|thinking_delta","thinking|input_json_delta","partial_json`

/** The event with its name, its data, and the empty line that ends it. The API pads the data with spaces. */
const form = new RegExp(
  String.raw`event: content_block_delta\ndata: \{"type":"content_block_delta","index":(0|[1-9]\d{0,5}),` +
    String.raw`"delta":\{"type":"(${kinds})":(${quoted}) *\} *\} *\n\n`,
  "y"
)

/** The delta whose event begins at this position; undefined where the text has another form, or is incomplete. */
export const find = (text: string, position: number): Found | undefined => {
  form.lastIndex = position
  const match = form.exec(text)
  if (match === null) return undefined
  // Parsed, not cut out: a part of a string keeps the whole string in memory.
  const content = Json.parse(match[3] ?? "")
  if (!Predicate.isString(content)) return undefined
  return {
    event: { type: "content_block_delta", index: Number(match[1]), delta: deltaOf(match[2], content) },
    end: form.lastIndex
  }
}

const deltaOf = (kind: string | undefined, content: string): Anthropic.RawContentBlockDelta => {
  switch (kind) {
    case 'text_delta","text':
      return { type: "text_delta", text: content }
    case 'thinking_delta","thinking':
      return { type: "thinking_delta", thinking: content }
    default:
      return { type: "input_json_delta", partial_json: content }
  }
}
