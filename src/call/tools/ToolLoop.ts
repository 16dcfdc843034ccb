/**
 * Asks Claude, runs the tools that it calls, and asks again with their results, until a turn calls none. It never runs a
 * call whose arguments may be lost: of a turn that was cut off or refused, no tool runs. Every call of the conversation
 * has its result, also where the loop ends early.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { ClaudeError, Unsupported } from "../../claude/ClaudeError.ts"
import * as Models from "../../claude/Models.ts"
import * as Reply from "../../claude/Reply.ts"
import { type Prompt, type Request, resolve } from "../../claude/Request.ts"
import * as Thinking from "../../claude/Thinking.ts"
import { askWith } from "../text.ts"
import * as Turn from "../turn.ts"
import * as Approval from "./Approval.ts"
import type { ToolsReply } from "./Element.ts"
import * as Limits from "./Limits.ts"
import * as ToolCalls from "./ToolCalls.ts"

/** What a loop runs with. */
export interface Loop {
  readonly handlers: ToolCalls.Handlers
  readonly create: (request: Request) => Effect.Effect<Reply.Reply, ClaudeError>
  readonly limits: Limits.Limits
  /** Whether the last turn may have no text. */
  readonly mayBeEmpty: boolean
}

/** The end of a loop: the reply, the request of its last turn, and the limit that leaves no further turn. */
export interface Ended {
  readonly reply: ToolsReply
  readonly request: Request
  readonly reached: Limits.Reached | undefined
}

/** Runs the loop. */
export const run = Effect.fnUntraced(function* ({ create, handlers, limits, mayBeEmpty }: Loop, prompt: Prompt) {
  const limitOf = Limits.make(limits)
  let request = yield* opening(handlers, prompt)
  /** The last reply, with the usage and cost of all. */
  let all: Turn.TextReply | undefined
  let spent = Limits.nothing
  let model: string | undefined
  for (let number = 1; ; number++) {
    const earlier = all === undefined ? [] : [all]
    yield* handlers.emit({ _tag: "turn-started", turn: number })
    const turn = yield* Effect.mapError(askWith(create, request), withEarlier(earlier))
    const { reasonOf, reply } = yield* Turn.judge(turn, Reply.text)
    const { content } = reply.message
    const calls = ToolCalls.of(content)
    const isCalling = (reply.message.stop_reason === "tool_use" || Turn.isPaused(reply.message)) && calls.length > 0
    const reason = isCalling ? undefined : reasonOf()
    if (reason !== undefined && !(mayBeEmpty && reason._tag === "OutputEmpty")) {
      yield* Reply.discard(reply)
      return yield* withEarlier(earlier)(new ClaudeError({ reason }))
    }
    const { cost, message, usage } = reply
    yield* handlers.emit({ _tag: "turn-finished", turn: number, message, usage, cost })
    const sum: Turn.TextReply = Turn.together(earlier, reply)
    all = sum
    if (limits.cost !== undefined) spent = yield* Limits.add(spent, turn)

    if (reply.fallback === undefined) model ??= message.model
    const isForeign = reply.fallback === true || (model !== undefined && !Models.isSame(model, message.model))
    const answer = isForeign ? Thinking.without(Turn.assistant(content)) : Turn.assistant(content)
    const messages =
      answer === undefined || answer.content?.length === 0 ? request.messages : [...request.messages, answer]

    const reached = limitOf(number, { usage: sum.usage, cost: spent })
    const limit = isCalling ? reached : undefined
    if (!isCalling || limit !== undefined) {
      const why = limit?.detail ?? `the turn ended with ${message.stop_reason}`
      const closed = calls.length === 0 ? messages : results(messages, ToolCalls.notRun(calls, why))
      if (limit === undefined) {
        return { reply: { ...sum, messages: closed, turns: number }, request, reached } satisfies Ended
      }
      const { cost, usage } = sum
      return yield* new Limits.ToolLimitReached({ ...limit, turns: number, usage, cost, messages: closed })
    }
    const changes = {
      ...Turn.containerOf(request, turn),
      ...(isForeign && Thinking.off(request)),
      ...unforced(request)
    }
    const answers = yield* ToolCalls.answer(handlers, calls, request.messages)
    request = Object.assign({}, request, changes, { messages: results(messages, answers) })
  }
})

const withEarlier =
  (earlier: ReadonlyArray<Turn.TextReply>) =>
  (error: ClaudeError): ClaudeError =>
    Turn.withUsage(
      error,
      earlier.map(({ usage }) => usage)
    )

/**
 * The first request. Fails if the loop cannot run: with a thread, without the approval that a tool needs, with a forced
 * call that the model refuses, or with a tool in the prompt that nothing can run.
 */
const opening = Effect.fnUntraced(function* ({ approve, formats, tools: known }: ToolCalls.Handlers, prompt: Prompt) {
  const request = yield* resolve(prompt)
  if (Predicate.isNotNullish(request.thread)) {
    return yield* unsupported("a thread of the server with tools of the program", "leave out thread")
  }
  const unasked = approve === undefined ? Object.values(known).find(Approval.mayNeed) : undefined
  if (unasked !== undefined) {
    return yield* unsupported(`the tool ${unasked.name} needs approval, and nothing approves it`, "pass approve")
  }
  if (isForced(request) && !Models.acceptsForcedTools(request.model)) {
    const remedy = 'use tool_choice "auto" and ask for the tool in the prompt, or choose another model'
    return yield* unsupported(`a forced call of a tool with ${request.model}`, remedy)
  }
  // The tools of a conversation that continues may be in the prompt already.
  const others = (request.tools ?? []).filter((tool) => !("name" in tool) || formats.find(tool.name) === undefined)
  const unhandled = others.find(isClientTool)
  if (unhandled !== undefined) {
    const name = "name" in unhandled ? unhandled.name : unhandled.type
    return yield* unsupported(
      `the tool ${name} of the prompt has no handler`,
      "put it into the toolkit, or leave it out"
    )
  }
  const tools = [...others, ...formats.definitions]
  return Arr.isReadonlyArrayNonEmpty(tools) ? { ...request, tools } : request
})

/**
 * Whether the program runs the tool: one with a schema, or one of Anthropic's such as `bash`. The API runs the others; the
 * calls of a toolset name its members, so the toolkit may have handlers for them.
 */
const isClientTool = ({ type }: NonNullable<Request["tools"]>[number]): boolean =>
  Predicate.isNullish(type) || /^(?:custom$|(?:bash|text_editor|computer|memory)_\d)/.test(type)

const unsupported = (detail: string, remedy: string) => new ClaudeError({ reason: new Unsupported({ detail, remedy }) })

/** The results come first in the message, as the API demands. */
const results = (messages: Request["messages"], content: ReadonlyArray<Anthropic.ToolResultBlockParam>) => [
  ...messages,
  { role: "user" as const, content: [...content] }
]

/** A tool that the caller forces is forced in the first turn only, or the loop could not end. */
const unforced = (request: Request): Pick<Request, "tool_choice"> =>
  isForced(request) ? { tool_choice: { type: "auto" } } : {}

const isForced = ({ tool_choice: choice }: Request) => choice?.type === "any" || choice?.type === "tool"
