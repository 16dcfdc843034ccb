/**
 * Reads the API's messages as a history, and refuses those that the API would not continue: every call needs its result
 * at the beginning of the next user message, and an answer, or results of tools, must come last.
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { readable } from "../turn.ts"
import { HistoryInvalid } from "./ConversationError.ts"
import { blocksOf, empty, extend, type History, isMessage, type Message } from "./History.ts"

/** The history of these messages, in turns. It has no tools: the settings of the conversation need the ones it calls. */
export const read = (messages: ReadonlyArray<unknown>): Result.Result<History, HistoryInvalid> => {
  const bad = messages.findIndex((message) => !isMessage(message))
  const valid = messages.filter(isMessage).map(withoutBlanks)
  const detail = bad === -1 ? problem(valid) : `messages.${bad}: expected a message with role and content`
  if (detail !== undefined) return Result.fail(new HistoryInvalid({ detail }))
  const turns = split(valid)
  return Result.succeed(turns.reduce((history, messages) => extend(history, { messages }), empty))
}

/** The message without the blank texts that the API sends but does not accept. */
const withoutBlanks = (message: Message): Message =>
  message.role === "assistant" && !Predicate.isString(message.content)
    ? { ...message, content: readable(message.content) }
    : message

/** Successive messages of one role, which the API merges. */
interface Part {
  readonly at: number
  readonly role: string
  readonly calls: ReadonlyArray<string>
  /** The results before any other block. */
  readonly results: ReadonlyArray<string>
  /** Whether a result follows another block. */
  readonly isLate: boolean
}

const problem = (messages: ReadonlyArray<Message>): string | undefined => {
  for (const [at, message] of messages.entries()) {
    const detail = misplaced(message)
    if (detail !== undefined) return `messages.${at}: ${detail}`
  }
  const parts = partsOf(messages)
  const [first] = parts
  if (first === undefined) return undefined
  if (first.role !== "user" && !has(messages[first.at], "compaction")) {
    return `messages.${first.at}: the first message must be the user's`
  }
  for (const [index, part] of parts.entries()) {
    const next = parts[index + 1]
    const open = part.calls.find((id) => !next?.results.includes(id))
    if (open !== undefined) {
      return `messages.${part.at}: the tool call ${open} has no result at the beginning of the next user message; add it`
    }
    const stray = part.results.find((id) => !parts[index - 1]?.calls.includes(id))
    if (stray !== undefined) {
      return `messages.${part.at}: the result of ${stray} has no tool call in the message before; leave it out`
    }
    if (part.isLate) return `messages.${part.at}: results of tools must come before other content; move them`
  }
  const end = parts.at(-1)
  return end?.role === "user" && !has(messages.at(-1), "tool_result")
    ? `messages.${end.at}: the last message must be an answer; ask it as the next turn`
    : undefined
}

/** Why the API would refuse the message in any conversation. */
const misplaced = (message: Message): string | undefined => {
  const { content, role } = message
  if (Predicate.isString(content) ? content.trim() === "" : content?.length === 0) {
    return "the content is empty; leave the message out"
  }
  if (role !== "user" && has(message, "tool_result")) return "results of tools must be in messages of the user"
  if (role !== "assistant" && has(message, "tool_use")) return "calls of tools must be in messages of the assistant"
  const isBlank = role !== "assistant" && readable(blocksOf(message)).length < blocksOf(message).length
  return isBlank ? "a text is empty; leave it out" : undefined
}

const has = (message: Message | undefined, type: string) =>
  message !== undefined && blocksOf(message).some((block) => block.type === type)

const idsOf = (blocks: ReadonlyArray<object>, type: string, name: string): ReadonlyArray<string> =>
  blocks.flatMap((block) => {
    const fields: { readonly [field: string]: unknown } = { ...block }
    return fields["type"] === type ? [String(fields[name])] : []
  })

const partsOf = (messages: ReadonlyArray<Message>): ReadonlyArray<Part> => {
  const groups: Array<{ readonly at: number; readonly role: string; readonly blocks: Array<object> }> = []
  for (const [at, message] of messages.entries()) {
    if (message.role === "system") continue
    const text = Predicate.isString(message.content) ? [{ type: "text" }] : blocksOf(message)
    const last = groups.at(-1)
    if (last?.role === message.role) last.blocks.push(...text)
    else groups.push({ at, role: message.role, blocks: [...text] })
  }
  return groups.map(({ at, blocks, role }) => {
    const other = blocks.findIndex((block) => Predicate.hasProperty(block, "type") && block.type !== "tool_result")
    const leading = other === -1 ? blocks : blocks.slice(0, other)
    return {
      at,
      role,
      calls: idsOf(blocks, "tool_use", "id"),
      results: idsOf(leading, "tool_result", "tool_use_id"),
      isLate: idsOf(blocks, "tool_result", "tool_use_id").length > idsOf(leading, "tool_result", "tool_use_id").length
    }
  })
}

/** A turn begins where the user speaks after an answer, unless the message brings results of tools. */
const split = (messages: ReadonlyArray<Message>): ReadonlyArray<ReadonlyArray<Message>> => {
  const turns: Array<Array<Message>> = []
  for (const [at, message] of messages.entries()) {
    const follows = messages[at - 1]?.role === "assistant" && message.role !== "assistant"
    const next = messages.slice(at).find(({ role }) => role === "user")
    const last = turns.at(-1)
    if (last === undefined || (follows && !has(next, "tool_result"))) turns.push([message])
    else last.push(message)
  }
  return turns
}
