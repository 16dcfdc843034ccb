/**
 * The parts of a streamed answer. Every start has its end, and every text delta has text, because `Chat` loses a delta
 * without a start, and thinking without an end.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Effect from "effect/Effect"
import type * as AiError from "effect/ai/AiError"
import type * as Response from "effect/ai/Response"
import type { Message } from "../../claude/Reply.ts"
import type { StreamEvent } from "../../claude/StreamEvent.ts"
import * as Parts from "./Parts.ts"

type Part = Response.StreamPartEncoded

/** Reads the events of one turn, which may take several calls. */
export interface StreamReader {
  /**
   * The parts of an event; an effect where a block ends, because arguments of tools are decoded then. `soFar` is the message
   * with everything up to the event.
   */
  readonly read: (
    event: StreamEvent,
    soFar: () => Message | undefined
  ) => ReadonlyArray<Part> | Effect.Effect<ReadonlyArray<Part>, AiError.AiErrorReason>
}

interface OpenBlock {
  readonly id: string
  /** The index of the block in the message. */
  readonly place: number
  readonly type: string
  /** Whether a part with the arguments of a tool is open. */
  readonly hasParams: boolean
  hasDelta: boolean
}

/** A reader for one turn. */
export const reader = (tools: Parts.Tools): StreamReader => {
  const parts = Parts.reader(tools)
  const open = new Map<number, OpenBlock>()
  let places = 0
  let ids = 0

  const begin = (index: number, start: Anthropic.ContentBlock): ReadonlyArray<Part> => {
    const name = "name" in start ? nameOf(start, parts) : undefined
    const id = name !== undefined && "id" in start ? start.id : String(ids++)
    open.set(index, { id, place: places++, type: start.type, hasParams: name !== undefined, hasDelta: false })
    if (start.type === "text") return [{ type: "text-start", id }, ...textDelta(id, start.text)]
    if (start.type === "thinking") return [{ type: "reasoning-start", id }, ...reasoningDelta(id, start.thinking)]
    if (start.type === "redacted_thinking") return [{ type: "reasoning-start", id }]
    if (name === undefined) return []
    return [{ type: "tool-params-start", id, name, providerExecuted: start.type !== "tool_use" }]
  }

  const extend = (index: number, delta: Anthropic.RawContentBlockDelta): ReadonlyArray<Part> => {
    const block = open.get(index)
    if (block === undefined) return []
    switch (delta.type) {
      case "text_delta":
        return textDelta(block.id, delta.text)
      case "thinking_delta":
        return reasoningDelta(block.id, delta.thinking)
      case "input_json_delta":
        if (!block.hasParams || !delta.partial_json) return []
        block.hasDelta = true
        return [{ type: "tool-params-delta", id: block.id, delta: delta.partial_json }]
      default:
        return []
    }
  }

  const end = Effect.fnUntraced(function* (index: number, message: Message | undefined) {
    const block = open.get(index)
    const whole = message?.content[block?.place ?? -1]
    if (block === undefined || whole === undefined) return []
    open.delete(index)
    return yield* endOf(block, whole, message?.model ?? "")
  })

  const endOf = Effect.fnUntraced(function* (
    { hasDelta, hasParams, id }: OpenBlock,
    whole: Anthropic.ContentBlock,
    model: string
  ): Effect.fn.Return<ReadonlyArray<Part>, AiError.AiErrorReason> {
    if (whole.type === "text") {
      return [{ type: "text-end", id, ...Parts.textMetadata(whole) }, ...parts.sources(whole.citations)]
    }
    if (whole.type === "thinking" || whole.type === "redacted_thinking") {
      return [{ type: "reasoning-end", id, metadata: Parts.reasoningMetadata(whole, model) }]
    }
    const other = parts.other(whole)
    if (other === undefined)
      return [
        { type: "text-start", id },
        { type: "text-end", id, ...Parts.textMetadata(whole) }
      ]
    const rest = yield* other
    if (!hasParams || !("input" in whole)) return rest
    const delta = hasDelta ? [] : [{ type: "tool-params-delta" as const, id, delta: JSON.stringify(whole.input ?? {}) }]
    return [...delta, { type: "tool-params-end", id }, ...rest]
  })

  /** Some servers leave the end of a block out, or send the whole content in `message_start`. */
  const endAll = (message: Message | undefined) =>
    Effect.map(
      Effect.forEach([...open.keys()], (index) => end(index, message)),
      (ends) => ends.flat()
    )

  const read: StreamReader["read"] = (event, soFar) => {
    switch (event.type) {
      case "message_start":
        places = 0
        return Effect.forEach(event.message.content, (block, index) => {
          const started = begin(-1 - index, block)
          return Effect.map(end(-1 - index, event.message), (ended) => [...started, ...ended])
        }).pipe(Effect.map((all) => all.flat()))
      case "content_block_start":
        return begin(event.index, event.content_block)
      case "content_block_delta":
        return extend(event.index, event.delta)
      case "content_block_stop":
        return end(event.index, soFar())
      case "message_stop":
        return endAll(soFar())
      default:
        return []
    }
  }
  return { read }
}

/** The name of a tool, as the toolkit has it. A call of an unknown tool fails at its end; one that the API ran is a block. */
const nameOf = (
  start: { readonly type: string; readonly name: string },
  { toolOf }: Parts.Reader
): string | undefined => toolOf(start)?.tool.name ?? (start.type === "tool_use" ? start.name : undefined)

const textDelta = (id: string, delta: string | null | undefined): ReadonlyArray<Part> =>
  delta ? [{ type: "text-delta", id, delta }] : []

const reasoningDelta = (id: string, delta: string | null | undefined): ReadonlyArray<Part> =>
  delta ? [{ type: "reasoning-delta", id, delta }] : []
