/**
 * The history of a conversation as data: turns of the API's messages, oldest first. It only grows at the end, so that
 * each request repeats the one before and reads it from the prompt cache. A turn also records which turns were sent with
 * it. Earlier ones are kept but not sent again.
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Models from "../../claude/Models.ts"
import type { Message as ReplyMessage, Reply } from "../../claude/Reply.ts"
import type { Request } from "../../claude/Request.ts"
import * as Thinking from "../../claude/Thinking.ts"
import { type ApiUsage, fromMessage, totalInput } from "../../claude/Usage.ts"
import { assistant } from "../turn.ts"

/** A message of a request, as the API has it. */
export type Message = Request["messages"][number]

/** What the user says: a text, or blocks. */
export type Content = Extract<Message, { readonly role: "user" | "assistant" }>["content"]

const isBlock = (block: unknown) => Predicate.hasProperty(block, "type") && Predicate.isString(block.type)

const roles: ReadonlySet<unknown> = new Set(["user", "assistant", "system"])

/** Whether a value has the form of a message. The API checks the fields of its blocks. */
export const isMessage = (value: unknown): value is Message => {
  const { content, role }: { readonly content?: unknown; readonly role?: unknown } = { ...Object(value) }
  if (content === undefined) return role === "system"
  return roles.has(role) && (Predicate.isString(content) || (Array.isArray(content) && content.every(isBlock)))
}

type Tool = NonNullable<Request["tools"]>[number]

const isTool = (value: unknown): value is Tool => Predicate.hasProperty(value, "name") || isBlock(value)

/** A user message and everything up to the end of its answer. */
export const Turn = Schema.Struct({
  messages: Schema.Array(Schema.declare(isMessage)),
  /** The model that answered, whose thinking the turn may hold. Imported messages have none. */
  model: Schema.optionalKey(Schema.String),
  /** The index of the first turn that was sent with this one. */
  from: Schema.Natural,
  /** The tokens of the last prompt and its answer together, as the API counted them. */
  tokens: Schema.optionalKey(Schema.Natural)
})
export type Turn = typeof Turn.Type

/** The turns, and the tools that the API needs to read the calls in them. */
export const History = Schema.Struct({
  turns: Schema.Array(Turn),
  tools: Schema.optionalKey(Schema.Array(Schema.declare(isTool)))
})
export type History = typeof History.Type

/** No turns. */
export const empty: History = { turns: [] }

/** All messages, also the ones that are no longer sent. */
export const messages = ({ turns }: History): ReadonlyArray<Message> => turns.flatMap((turn) => turn.messages)

/**
 * The index of the first turn to send: the first one of the last request, or the last turn if it has a summary of the
 * API, which replaces the turns before.
 */
export const start = ({ turns }: History): number => {
  const last = turns.at(-1)
  return last === undefined ? 0 : last.messages.some(isCompacted) ? turns.length - 1 : last.from
}

/** The history after one more turn that was sent with all turns from `start`. */
export const extend = (history: History, turn: Omit<Turn, "from">): History => ({
  ...history,
  turns: [...history.turns, { ...turn, from: start(history) }]
})

/** The API ignores a compaction without content, because the summary failed. */
const isCompacted = (message: Message) =>
  blocksOf(message).some((block) => block.type === "compaction" && Predicate.isString(block.content))

/** The blocks of a message; none if it is a text. */
export const blocksOf = ({ content }: Message): ReadonlyArray<Exclude<Content, string>[number]> =>
  content === undefined || Predicate.isString(content) ? [] : content

/** The API refuses the thinking of another model. It stays in the history, in case that model continues. */
const readableBy =
  (model: string) =>
  ({ messages, model: own }: Turn): ReadonlyArray<Message> =>
    own === undefined || Models.isSame(own, model)
      ? messages
      : messages.flatMap((message) => Thinking.without(message) ?? [])

/**
 * The API accepts calls and results only if the request defines tools. A turn without tools gets the stored definitions,
 * and may not call them. Imported calls have no definition, so each gets one with its name.
 */
const toolsOf = ({ tools }: History, settings: Request, sent: ReadonlyArray<Message>): Partial<Request> => {
  if ((settings.tools ?? []).length > 0 || !sent.some(hasCalls)) return {}
  return { tools: tools === undefined ? namesOf(sent).map(definition) : [...tools], tool_choice: { type: "none" } }
}

const definition = (name: string) => ({ name, input_schema: { type: "object" as const } })

const namesOf = (messages: ReadonlyArray<Message>): ReadonlyArray<string> => [
  ...new Set(messages.flatMap(blocksOf).flatMap((block) => (block.type === "tool_use" ? [block.name] : [])))
]

/** Whether a message calls tools. */
export const hasCalls = (message: Message): boolean => blocksOf(message).some(({ type }) => type === "tool_use")

/** The request of the next turn: the turns from `from`, then the user message. `settings` have no messages. */
export const request = (history: History, settings: Request, content: Content, from: number): Request => {
  const sent = history.turns.slice(from).flatMap(readableBy(settings.model))
  const last: Message = { role: "user", content }
  return { ...settings, messages: [...sent, last] }
}

/** The request of a turn without tools. */
export const requestWithoutTools = (history: History, settings: Request, content: Content, from: number): Request => {
  const asked = request(history, settings, content, from)
  return { ...asked, ...toolsOf(history, settings, asked.messages) }
}

/** The history after a turn that `request` began. `messages` are its messages, from the user's to the answer. */
export const append = (
  { tools, turns }: History,
  turn: {
    readonly messages: ReadonlyArray<Message>
    readonly from: number
    readonly request: Pick<Request, "model" | "tools">
    readonly reply: Reply
  }
): History => {
  const { message, fallback } = turn.reply
  const model = fallback ? message.model : turn.request.model
  const { messages, from } = turn
  const added = { messages, model, from, tokens: contextOf(message) }
  const used = messages.some(hasCalls) ? turn.request.tools : tools
  return { turns: [...turns, added], ...(used && { tools: used }) }
}

/** The messages of a turn with one answer. */
export const answered = (content: Content, answer: ReplyMessage): ReadonlyArray<Message> => [
  { role: "user", content },
  assistant(answer.content)
]

/** The history without its last turn. */
export const undo = ({ turns, ...rest }: History): History => ({ ...rest, turns: turns.slice(0, -1) })

/** The tokens that the next prompt begins with. With several iterations, the last one has read the whole prompt. */
const contextOf = ({ usage }: { readonly usage: ApiUsage }): number => {
  const last = usage.iterations?.findLast(({ type }) => type === "message")
  const read = fromMessage(last === undefined ? usage : { ...last, iterations: null })
  return totalInput(read) + read.output
}
