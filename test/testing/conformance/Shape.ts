/**
 * The shape of an answer as our client returns it: its fields, their kinds and their order, without the content. Two
 * answers to the same request have the same shape, except for the differences listed in `Differences.ts`.
 */
import type Anthropic from "@anthropic-ai/sdk"
import { type ClaudeError, StreamEvent } from "effect-claude"
import * as Predicate from "effect/Predicate"
import * as Struct from "effect/Struct"
import type { Message, Reply, ReplyFacts } from "../../../src/claude/Reply.ts"

/** Facts by name, such as `stop_reason: end_turn`. */
export type Shape = Readonly<Record<string, string>>

/** The shape of a reply to a request for the model `asked`. */
export const ofReply = (reply: Reply, asked: string): Shape => ({
  outcome: "reply",
  ...headersOf(reply),
  ...ofMessage(reply.message, asked)
})

/** The shape of a streamed answer to a request for the model `asked`. */
export const ofEvents = (events: ReadonlyArray<StreamEvent.StreamEvent>, asked: string): Shape => {
  const accumulator = StreamEvent.accumulator()
  const shape: Record<string, string> = { outcome: "reply", events: folded(events.map(nameOf)) }
  for (const event of events) {
    accumulator.add(event)
    if (event.type === "stream_start") Object.assign(shape, headersOf(event))
    if (event.type === "message_start") Object.assign(shape, fields(event.message.usage, "message_start usage."))
    if (event.type === "message_delta") Object.assign(shape, fields(Struct.omit(event, ["type"]), "message_delta "))
  }
  const message = accumulator.message()
  return { ...shape, ...(message && ofMessage(message, asked)) }
}

const nameOf = (event: StreamEvent.StreamEvent): string => {
  if (event.type === "content_block_start") return `${event.type} ${event.content_block.type}`
  return event.type === "content_block_delta" ? `${event.type} ${event.delta.type}` : event.type
}

const headersOf = ({ rateLimits, requestId }: ReplyFacts) => ({
  "request id": requestId === undefined ? "none" : "some",
  "rate limits": Object.keys(rateLimits ?? {}).join(", ")
})

const ofMessage = (message: Message, asked: string): Shape => ({
  model: message.model === asked ? "as asked" : "another name",
  blocks: folded(
    message.content.map(({ type }) => type),
    "tool_use"
  ),
  ...Object.fromEntries(
    message.content.map((block) => [`a ${block.type} has`, Object.keys(block).toSorted().join(", ")])
  ),
  ...fields(Struct.omit(message, ["id", "model", "content"]))
})

/** The shape of the results of a batch, with their number. */
export const ofResults = (results: ReadonlyArray<Anthropic.Messages.MessageBatchIndividualResponse>): Shape => {
  const shapes = results.map(({ result }) => ({
    outcome: result.type,
    ...(result.type === "succeeded" ? ofMessage(result.message, result.message.model) : fields(result))
  }))
  return Object.assign({}, ...shapes, { lines: `${results.length}` })
}

/** The shape of a failed call. */
export const ofFailure = ({ isRetryable, reason }: ClaudeError.ClaudeError): Shape => ({
  outcome: reason._tag,
  status: `${reason.status}`,
  // The numbers differ between calls.
  detail: `${reason.detail}`.replace(/\d+/g, "N"),
  "request id": reason.requestId === undefined ? "none" : "some",
  "is retryable": `${isRetryable}`
})

/** The shape of any other answer. */
export const ofJson = (value: unknown): Shape => ({ outcome: "reply", ...fields(value) })

/** The fields of JSON by their path: a single word as it is, other values by their kind. */
const fields = (value: unknown, path = ""): Shape => {
  if (!Predicate.isObject(value)) return { [path]: kindOf(value) }
  return Object.assign(
    {},
    ...Object.entries(value).map(([name, field]) =>
      Predicate.isObject(field) ? fields(field, `${path}${name}.`) : { [`${path}${name}`]: kindOf(field) }
    )
  )
}

const kindOf = (value: unknown): string => {
  if (typeof value === "number") return value === 0 ? "0" : "some number"
  if (typeof value === "string") return /^[a-z_]+$/.test(value) ? value : "a text"
  return Array.isArray(value) ? "a list" : String(value)
}

/** Names in their order. Repetitions appear once, except repetitions of `counting`. */
const folded = (names: ReadonlyArray<string>, counting?: string): string =>
  names.filter((name, at) => name !== names[at - 1] || name === counting).join(", ")
