/**
 * Checks that the events of one stream add up to one complete answer. `EventStream` checks every event before a
 * consumer sees it, so that the streamed text, the accumulated message and the reply of `create` are equal, or the
 * stream fails. Unknown events, unknown blocks and skipped indexes pass.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Equal from "effect/Equal"
import * as Predicate from "effect/Predicate"
import * as Json from "./Json.ts"

/** Whether the consumer sees an event. An event that repeats an earlier one, or follows lost arguments, is hidden. */
export type Verdict = "show" | "hide" | Fault

/** Why the events are no complete answer. */
export interface Fault {
  readonly reason: "StreamInterrupted" | "MalformedResponse" | CutReason
  readonly detail: string
  /** The server sends every answer like this: another attempt does not help. */
  readonly isFinal?: true
}

type CutReason = "OutputTruncated" | "ContextWindowExceeded" | "Refused"

/** Follows one stream. `check` takes the events in order, one by one. */
export interface StreamOrder {
  readonly check: (event: Anthropic.RawMessageStreamEvent) => Verdict
}

interface Block {
  readonly type: string
  /** The number of blocks that began before this one. */
  readonly place: number
  readonly takesInput: boolean
  /** The arguments in `content_block_start`, where they are more than `{}`. */
  readonly input: object | undefined
  json: string
  isOpen: boolean
}

/** A new order, before the first event. */
export const make = (): StreamOrder => {
  const blocks = new Map<number, Block>()
  let id: string | undefined
  let hasContent = false
  let stopReason: string | null | undefined
  let isOver = false
  /** The place of the last block with text. */
  let lastText = -1
  /** Set when a block ends with incomplete arguments. The stop reason, which comes later, tells why. */
  let lost: string | undefined

  const begin = (message: Anthropic.Message): Verdict => {
    if (id === undefined) {
      id = message.id
      hasContent = message.content.length > 0
      return "show"
    }
    if (message.id === id && blocks.size === 0 && stopReason === undefined) return "hide"
    return interrupted(`a second answer began ${isOver ? "after" : "before"} the end of the first`)
  }

  const beginBlock = (index: number, { type, ...fields }: Anthropic.ContentBlock): Verdict => {
    if (blocks.has(index)) return interrupted(`block ${index} began twice`)
    if (hasContent) return misplaced("message_start has content, and so have later events")
    const input = Predicate.hasProperty(fields, "input") ? fields.input : undefined
    const block: Block = {
      type,
      place: blocks.size,
      takesInput: "input" in fields || type.endsWith("tool_use"),
      input: Predicate.isObject(input) && Object.keys(input).length > 0 ? input : undefined,
      json: "",
      isOpen: true
    }
    blocks.set(index, block)
    return "text" in fields && fields.text ? addText(block, index) : "show"
  }

  /** A consumer has already shown the text of later blocks. */
  const addText = ({ place }: Block, index: number): Verdict => {
    if (place < lastText) return interrupted(`block ${index} got text after a later block did`)
    lastText = place
    return "show"
  }

  const extend = (index: number, delta: Anthropic.RawContentBlockDelta): Verdict => {
    const block = blocks.get(index)
    if (block === undefined) return interrupted(`block ${index} got content before its start`)
    if (!block.isOpen) return interrupted(`block ${index} got content after its end`)
    if (!fits(delta.type, block.type)) return misplaced(`block ${index} is ${block.type}, and got a ${delta.type}`)
    if (delta.type === "input_json_delta") block.json += delta.partial_json ?? ""
    return delta.type === "text_delta" && delta.text ? addText(block, index) : "show"
  }

  const endBlock = (index: number): Verdict => {
    const block = blocks.get(index)
    if (block === undefined) return interrupted(`block ${index} ended before its start`)
    if (!block.isOpen) return "hide"
    block.isOpen = false
    if (hasWholeInput(block)) return "show"
    lost = `the arguments in block ${index} are not complete JSON`
    return "hide"
  }

  const judge = (reason: string | null): Verdict => {
    stopReason = reason ?? stopReason ?? null
    const cut = cutReasons.get(stopReason ?? "")
    if (cut === undefined) return lost === undefined ? "show" : { reason: "MalformedResponse", detail: lost }
    const last = [...blocks.values()].at(-1)
    const isLost = lost !== undefined || (last !== undefined && lacksInput(last))
    return isLost ? { reason: cut, detail: `the answer ended in the arguments of a tool (${stopReason})` } : "show"
  }

  const end = (): Verdict => {
    if (isOver) return "hide"
    if (stopReason === undefined || stopReason === null) return interrupted("the answer ended without its stop reason")
    for (const [index, block] of blocks) {
      if (block.isOpen && lacksInput(block)) return interrupted(`the answer ended before block ${index} did`)
    }
    isOver = true
    return "show"
  }

  return {
    check: (event) => {
      if (event.type === "message_start") return begin(event.message)
      if (!known.has(event.type)) return "show"
      if (id === undefined) return misplaced(`${event.type} came before message_start`)
      if (event.type === "message_delta") return judge(event.delta.stop_reason)
      if (event.type === "message_stop") return end()
      if (lost !== undefined) return "hide"
      if (event.type === "content_block_start") return beginBlock(event.index, event.content_block)
      return event.type === "content_block_stop" ? endBlock(event.index) : extend(event.index, event.delta)
    }
  }
}

const known = new Set([
  "content_block_start",
  "content_block_delta",
  "content_block_stop",
  "message_delta",
  "message_stop"
])

const cutReasons: ReadonlyMap<string, CutReason> = new Map([
  ["max_tokens", "OutputTruncated"],
  ["model_context_window_exceeded", "ContextWindowExceeded"],
  ["refusal", "Refused"]
])

/** Whether a block keeps what a delta adds. A block of an unknown type keeps deltas of unknown types. */
const fits = (delta: Anthropic.RawContentBlockDelta["type"], block: string): boolean => {
  switch (delta) {
    case "text_delta":
    case "citations_delta":
      return block === "text"
    case "thinking_delta":
    case "signature_delta":
      return block === "thinking"
    case "input_json_delta":
      return block !== "text" && block !== "thinking"
    default:
      return true
  }
}

/** Whether the arguments are JSON, and are the same as those in `content_block_start`, if there are any. */
const hasWholeInput = ({ input, json }: Block): boolean => {
  if (json === "") return true
  const parsed = Json.parse(json)
  return parsed !== undefined && (input === undefined || Equal.equals(parsed, input))
}

/** Whether arguments are still to come, for a block that did not end or was cut: some servers leave the end out. */
const lacksInput = (block: Block): boolean =>
  block.takesInput && (block.json === "" ? block.input === undefined : !hasWholeInput(block))

const interrupted = (detail: string): Fault => ({ reason: "StreamInterrupted", detail })

const misplaced = (detail: string): Fault => ({ reason: "MalformedResponse", detail, isFinal: true })
