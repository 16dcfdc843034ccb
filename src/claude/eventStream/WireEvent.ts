/**
 * Reads the data of one server-sent event as an event of the API, and checks that it has the fields that this library
 * reads.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Predicate from "effect/Predicate"
import * as Json from "../Json.ts"
import { isMessage } from "../Reply.ts"

/** An event as the wire has it. Events that the types do not know pass through under the SDK's type. */
type WireEvent = Anthropic.RawMessageStreamEvent | { readonly type: "ping" }

/** What the data of an event is; undefined for a heartbeat. */
export type Parsed =
  | WireEvent
  | { readonly type: "error"; readonly body: unknown }
  | { readonly type: "unreadable" }
  | undefined

/**
 * Reads the data of an event. Like the SDK, it ignores events without a `type`, such as a gateway's heartbeats; it
 * takes the type from the event's name where the data has none. Data that cannot be read is a failure only where it
 * belonged to an event of the API.
 */
export const parse = (data: string, name: string | undefined): Parsed => {
  const event = Json.parse(data)
  if (name === "error") return { type: "error", body: event ?? data }
  if (!Predicate.isObject(event)) {
    const isLost = apiEvents.has(name) ? data.trim() !== "" : event === undefined && data.trimStart().startsWith("{")
    return isLost ? { type: "unreadable" } : undefined
  }
  const type = Predicate.isString(event["type"]) ? event["type"] : apiEvents.has(name) ? name : undefined
  if (type === undefined) return event["error"] ? { type: "error", body: event } : undefined
  if (type === "error") return { type, body: event }
  const typed = event["type"] === type ? event : { ...event, type }
  return isWireEvent(typed) ? typed : { type: "unreadable" }
}

const apiEvents: ReadonlySet<string | undefined> = new Set([
  "message_start",
  "content_block_start",
  "content_block_delta",
  "content_block_stop",
  "message_delta",
  "message_stop"
])

/** Whether an event has the fields that are read here, in `StreamOrder` and in `StreamEvent`. */
const isWireEvent = (event: { readonly [field: string]: unknown }): event is WireEvent & typeof event => {
  switch (event["type"]) {
    case "message_start":
      return isMessage(event["message"])
    case "content_block_start":
      return isBlock(event["content_block"])
    case "content_block_delta":
      return isBlock(event["delta"])
    case "message_delta":
      return Predicate.isObject(event["delta"]) && Predicate.isObject(event["usage"])
    default:
      return true
  }
}

/** A block or a delta with its text, which may be null where a gateway has none. */
const isBlock = (block: unknown): boolean => {
  if (!Predicate.isObject(block) || !Predicate.isString(block["type"])) return false
  const text = block[textFields.get(block["type"]) ?? ""]
  return text === undefined || text === null || Predicate.isString(text)
}

const textFields: ReadonlyMap<string, string> = new Map([
  ["text", "text"],
  ["text_delta", "text"],
  ["thinking", "thinking"],
  ["thinking_delta", "thinking"],
  ["input_json_delta", "partial_json"]
])
