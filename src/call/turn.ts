/**
 * One turn of Claude, which may take several calls. The API pauses a long turn (`pause_turn`, or `compaction` of the beta
 * API) and continues it when the paused part comes back as the last message. A finished turn becomes a `TextReply`; any
 * other turn fails with the text so far and the usage of all its calls.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import type * as Arr from "effect/Array"
import type * as BigDecimal from "effect/BigDecimal"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import {
  ClaudeError,
  ContextWindowExceeded,
  OutputEmpty,
  OutputTruncated,
  type Reason,
  Refused,
  ToolUseRequested,
  TurnPaused
} from "../claude/ClaudeError.ts"
import * as Cost from "../claude/Cost.ts"
import * as Reply from "../claude/Reply.ts"
import type { Request } from "../claude/Request.ts"
import { billed, sum, type Usage } from "../claude/Usage.ts"

/**
 * A text answer. `cost` is in US dollars at today's prices; it is undefined if no price is known, and zero if a cache or a
 * journal answered. `usage` then counts the original call. After a pause, `text`, `usage`, `cost` and the content of
 * `message` cover the whole turn; all other fields belong to the last call.
 */
export interface TextReply extends Reply.Reply {
  readonly text: string
  readonly usage: Usage
  readonly cost: BigDecimal.BigDecimal | undefined
}

/** The replies of one turn, in order. */
export type Turn = Arr.NonEmptyReadonlyArray<Reply.Reply>

/** A turn is continued at most this many times. */
export const maxContinuations = 8

/**
 * The request that continues a paused turn; undefined if the turn has ended, has reached `maxContinuations`, or calls tools
 * of the caller. The API refuses to continue an open call.
 */
export const continuation = (request: Request, turn: Turn): Request | undefined => {
  const { message } = last(turn)
  // The server holds the messages of a thread, and refuses a request that repeats them.
  if (
    !isPaused(message) ||
    turn.length > maxContinuations ||
    isCalling(message) ||
    Predicate.isNotNullish(request.thread)
  )
    return undefined
  const answer = assistant(contentOf(turn))
  if (answer.content.length === 0) return request
  return { ...request, messages: [...request.messages, answer], ...containerOf(request, turn) }
}

/** The message that returns the content of an answer. */
export const assistant = (content: ReadonlyArray<Anthropic.ContentBlock>) => ({
  role: "assistant" as const,
  // The API accepts the content that it sends; only the SDK's types for the two differ.
  content: readable(content) as Array<Anthropic.ContentBlockParam>
})

/**
 * The content of an answer without texts that the API sends and refuses to read: empty ones, and white space without a
 * call beside it.
 */
export const readable = <Block extends { readonly type: string }>(content: ReadonlyArray<Block>): Array<Block> => {
  const accepted = content.some(({ type }) => type === "tool_use") ? /[^]/ : /\S/
  return content.filter(
    (block) => block.type !== "text" || !Predicate.hasProperty(block, "text") || accepted.test(String(block.text))
  )
}

/** The answer of a turn. If the turn has no text or is not finished, removes it from the cache and fails. */
export const toReply = Effect.fnUntraced(function* (turn: Turn, textOf: (message: Reply.Message) => string) {
  const { reasonOf, reply } = yield* judge(turn, textOf)
  const reason = reasonOf()
  if (reason === undefined) return reply
  yield* Reply.discard(reply)
  return yield* new ClaudeError({ reason })
})

/** The answer of a turn. `reasonOf` gives the reason why it is not a finished text, if it is not. */
export const judge = (
  turn: Turn,
  textOf: (message: Reply.Message) => string
): Effect.Effect<{ readonly reply: TextReply; readonly reasonOf: () => Reason | undefined }> =>
  Effect.map(DateTime.nowAsDate, (now) => {
    const reply = merge(turn)
    const usage = turn.map(({ message }) => Cost.bill(message, now).usage).reduce(sum)
    const text = textOf(reply.message)
    const cost = Cost.sum(turn.map((part) => Cost.billed(part, now)))
    const reasonOf = () => failureOf(turn, reply, { text, usage, ...requestIdOf(reply) })
    return { reply: { ...reply, text, usage, cost }, reasonOf }
  })

/**
 * Adds the usage of the earlier calls of a turn to the error of a later one: they were paid for, although the turn has
 * no answer.
 */
export const addUsage = (error: ClaudeError, earlier: ReadonlyArray<Reply.Reply>): ClaudeError =>
  withUsage(
    error,
    earlier.map(({ message }) => billed(message))
  )

/** An answer that took several turns: the last reply, with the usage and the cost of all. */
export const together = (earlier: ReadonlyArray<TextReply>, reply: TextReply): TextReply => ({
  ...reply,
  usage: earlier.map(({ usage }) => usage).reduceRight(sum, reply.usage),
  cost: Cost.sum([...earlier, reply].map(({ cost }) => cost))
})

/** Adds usage to an error. */
export const withUsage = (error: ClaudeError, usages: ReadonlyArray<Usage>): ClaudeError => {
  const { reason } = error
  if (usages.length === 0) return error
  return withFacts(error, {
    usage: (reason.usage === undefined ? usages : [...usages, reason.usage]).reduce(sum)
  })
}

/** The error with these facts in its reason. The reason keeps its class and its other facts. */
export const withFacts = (
  { reason }: ClaudeError,
  facts: Partial<Omit<AnswerFacts, "requestId">> & { readonly detail?: string }
): ClaudeError => {
  // The class of the reason is not known here, so it is copied without its constructor.
  const copy: Reason = Object.assign(Object.create(Object.getPrototypeOf(reason)), reason, facts)
  return new ClaudeError({ reason: copy })
}

/** Removes the answer from the cache if the effect fails, so that the next call asks again. Ignores interruptions. */
export const discardOnFailure =
  (reply: Reply.ReplyFacts) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.tapCause(effect, (cause) => (Cause.hasInterruptsOnly(cause) ? Effect.void : Reply.discard(reply)))

/** The text after the last server tool. Text before it is commentary, not part of a value. */
export const finalText = (message: Reply.Message): string => {
  const start = message.content.findLastIndex(({ type }) => isServerTool(type))
  return Reply.text({ ...message, content: message.content.slice(start + 1) })
}

/** The request id of a reply, as a field of a reason. */
export const requestIdOf = ({ requestId }: Reply.ReplyFacts) => (requestId === undefined ? {} : { requestId })

interface AnswerFacts {
  readonly text: string
  readonly usage: Usage
  readonly requestId?: string
}

/** Why a turn fails; undefined if it has a finished text. An unknown stop reason counts as `end_turn`. */
const failureOf = (turn: Turn, { message }: Reply.Reply, facts: AnswerFacts): Reason | undefined => {
  switch (message.stop_reason) {
    case "refusal": {
      const category = message.stop_details?.category
      return new Refused({ ...facts, detail: "Claude declined to answer", ...(category && { category }) })
    }
    case "max_tokens":
      return new OutputTruncated({ ...facts, detail: `the answer was cut off after ${facts.usage.output} tokens` })
    case "model_context_window_exceeded": {
      const detail = "prompt and answer together are longer than the context window"
      return new ContextWindowExceeded({ ...facts, detail })
    }
    case "tool_use":
      return new ToolUseRequested({ ...facts, answer: message, detail: `Claude stopped to call ${toolsOf(message)}` })
  }
  if (isPaused(message)) {
    const calls = turn.length === 1 ? "1 call" : `${turn.length} calls`
    return new TurnPaused({ ...facts, detail: `the turn is still paused (${message.stop_reason}) after ${calls}` })
  }
  if (facts.text.trim() !== "") return undefined
  const detail = `the answer has no text (stop reason: ${message.stop_reason})`
  return new OutputEmpty({ ...facts, detail })
}

/** Whether the API paused a turn. */
export const isPaused = ({ stop_reason: reason }: { readonly stop_reason: string | null }) =>
  reason === "pause_turn" || reason === "compaction"

const isCalling = ({ content }: Reply.Message) => content.some(({ type }) => type === "tool_use")

/** Whether a block belongs to a tool that the server runs: its call or its result. */
export const isServerTool = (type: string): boolean =>
  type === "server_tool_use" || type === "mcp_tool_use" || type.endsWith("_tool_result")

/** The names of the requested tools, which are the caller's. */
const toolsOf = (message: Reply.Message): string => {
  const names = message.content.flatMap((block) => (block.type === "tool_use" ? [block.name] : []))
  return names.length === 0 ? "a tool" : `the tool ${[...new Set(names)].join(", ")}`
}

const last = (turn: Turn): Reply.Reply => turn.at(-1) ?? turn[0]

const contentOf = (turn: Turn): Array<Anthropic.ContentBlock> => turn.flatMap(({ message }) => message.content)

const merge = (turn: Turn): Reply.Reply => {
  const reply = last(turn)
  if (turn.length === 1) return reply
  const message = { ...reply.message, content: contentOf(turn) }
  return { ...reply, message, discard: () => Effect.forEach(turn, Reply.discard, { discard: true }) }
}

/** The container of the next request: the one in which the API ran tools, with the skills of the request. */
export const containerOf = ({ container }: Request, turn: Turn): Pick<Request, "container"> => {
  const id = turn.findLast(({ message }) => message.container)?.message.container?.id
  if (id === undefined) return {}
  return { container: Predicate.isObject(container) ? { ...container, id } : id }
}
