/**
 * Asks Claude with tools: `Tool` and `Toolkit` of effect/ai. The loop runs the tools that Claude calls and asks again with
 * their results, until Claude answers. Both verbs give the same reply; the stream also reports what happens meanwhile.
 */
import * as Effect from "effect/Effect"
import type * as Duration from "effect/Duration"
import * as Queue from "effect/Queue"
import type * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type * as Tool from "effect/ai/Tool"
import type * as Toolkit from "effect/ai/Toolkit"
import { Claude } from "../claude/Claude.ts"
import * as Cited from "../claude/Cited.ts"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import type { Prompt } from "../claude/Request.ts"
import { withoutStackTrace } from "./message.ts"
import { generateObject, type ObjectOptions, type ObjectReply } from "./object.ts"
import type { Approve } from "./tools/Approval.ts"
import type { Element, ToolsReply } from "./tools/Element.ts"
import * as Invoke from "./tools/Invoke.ts"
import { type Limits, ToolLimitReached } from "./tools/Limits.ts"
import type { AnyTools } from "./tools/ToolCalls.ts"
import * as ToolFormat from "../claude/ToolFormat.ts"
import * as ToolLoop from "./tools/ToolLoop.ts"
import { creating } from "./tools/Streaming.ts"
import * as Turn from "./turn.ts"

export type { Decision } from "./tools/Approval.ts"
export type { Element, ToolCall, ToolResult, ToolsReply } from "./tools/Element.ts"
export { isToolkit } from "./tools/Invoke.ts"
export { type Limits, ToolLimitReached } from "./tools/Limits.ts"
export { codeExecution, webFetch, webSearch } from "./tools/ServerTools.ts"
export { Replay, Timeout } from "./tools/ToolSettings.ts"

/** A toolkit, or an effect that gives one with its handlers, such as an MCP client's. */
export type ToolkitInput<T extends Tools, E = never, R = never> =
  | Toolkit.WithHandler<T>
  | Effect.Effect<Toolkit.WithHandler<T>, E, R>

type Tools = Record<string, Tool.Any>

/** How the loop runs. */
export interface ToolsOptions<T extends Tools, E = never, R = never> {
  /** How many handlers of a turn run at the same time; 8 by default. */
  readonly concurrency?: number
  /** When the loop stops although Claude calls tools; by default after 20 turns. */
  readonly limits?: Limits
  /** The longest time of a handler, for tools without `Tools.Timeout`; unlimited by default. */
  readonly timeout?: Duration.Input
  /**
   * Decides about each call of a tool with `needsApproval`, before its handler runs. A denial is reported to the model.
   * Without it, such a tool is refused before the first call. It may take days, as long as the process runs: a restart
   * loses a call that waits, but in a job the next run asks again and repeats no paid call.
   */
  readonly approve?: Approve<T, E, R>
}

/** How the loop runs, and the schema of a value to ask for at its end. */
export interface ObjectToolsOptions<T extends Tools, A, I, RD, RE, E = never, R = never>
  extends ToolsOptions<T, E, R>, ObjectOptions {
  /**
   * Once Claude has answered, it is asked for a value of this schema, without tools. This last turn sends documents with
   * citations switched off, because the API refuses citations together with a schema.
   */
  readonly schema: Schema.ConstraintCodec<A, I, RD, RE>
}

/** A reply with the value of a schema. `text` is the text that was decoded. */
export interface ObjectToolsReply<A> extends ToolsReply, ObjectReply<A> {}

/** The failures of the loop. A tool with `failureMode: "return"` adds none. */
export type ToolsError<T extends Tools> = ClaudeError | ToolLimitReached | RaisedFailure<T[keyof T]>

/** The failure that a tool declares, where it is raised. */
type RaisedFailure<T> =
  T extends Tool.Tool<infer _Name, infer Config, infer _Requirements>
    ? Config["failureMode"] extends "error"
      ? Config["failure"]["Type"]
      : never
    : never

/** The services that the loop needs, besides the handlers. */
export type ToolsServices<T extends Tools> = Claude | Tool.HandlerServices<T[keyof T]>

/**
 * Asks with tools, and returns the answer of the last turn with the usage and cost of all. Failures of handlers are raised
 * or returned to the model, by the `failureMode` of the tool; a failure is raised after the other handlers of its turn
 * have ended, and a defect of a handler stays a defect. An `AiError` that the `failure` of a tool does not have is a defect,
 * too. Fails with `ToolLimitReached` at a limit, and like `generateText`
 * if the last turn is not a finished text; no tool of that turn has run then. The `tools` of the prompt may add tools that
 * the API runs; one without a handler fails with `Unsupported` before the first call.
 */
export const generateWithTools: {
  <T extends Tools, A, I, RD, RE, ET = never, RT = never, E = never, R = never>(
    toolkit: ToolkitInput<T, ET, RT>,
    prompt: Prompt,
    options: ObjectToolsOptions<T, A, I, RD, RE, E, R>
  ): Effect.Effect<ObjectToolsReply<A>, ToolsError<T> | ET | E, ToolsServices<T> | RT | R | RD>
  <T extends Tools, ET = never, RT = never, E = never, R = never>(
    toolkit: ToolkitInput<T, ET, RT>,
    prompt: Prompt,
    options?: ToolsOptions<T, E, R>
  ): Effect.Effect<ToolsReply, ToolsError<T> | ET | E, ToolsServices<T> | RT | R>
} = (toolkit: AnyToolkit, prompt: Prompt, options: AnyOptions = {}) =>
  // The types of the tools are above; the loop knows them as `AnyTools`.
  Effect.withSpan(generate(toolkit, prompt, options), "Claude.generateWithTools", withoutStackTrace) as never

/**
 * The same as a stream: turns, thinking, text, calls, results, and at last `finished` with the reply. With `schema`, the
 * value comes with `finished`; its turn has `turn-started` and `turn-finished`, and no pieces. The loop runs ahead of a slow reader by at most 16 elements. Leaving the stream interrupts
 * the call or the handlers that run.
 */
export const streamWithTools: {
  <T extends Tools, A, I, RD, RE, ET = never, RT = never, E = never, R = never>(
    toolkit: ToolkitInput<T, ET, RT>,
    prompt: Prompt,
    options: ObjectToolsOptions<T, A, I, RD, RE, E, R>
  ): Stream.Stream<Element<T, ObjectToolsReply<A>>, ToolsError<T> | ET | E, ToolsServices<T> | RT | R | RD>
  <T extends Tools, ET = never, RT = never, E = never, R = never>(
    toolkit: ToolkitInput<T, ET, RT>,
    prompt: Prompt,
    options?: ToolsOptions<T, E, R>
  ): Stream.Stream<Element<T>, ToolsError<T> | ET | E, ToolsServices<T> | RT | R>
} = (toolkit: AnyToolkit, prompt: Prompt, options: AnyOptions = {}) =>
  // The types of the tools are above, as for `generateWithTools`.
  Stream.callback<Element<AnyTools>, unknown, unknown>(
    (queue) => {
      const emit = (element: Element<AnyTools>) => Effect.asVoid(Queue.offer(queue, element))
      return Effect.matchCauseEffect(generate(toolkit, prompt, options, emit), {
        onSuccess: (reply) => Effect.andThen(emit({ _tag: "finished", reply }), Queue.end(queue)),
        onFailure: (cause) => Queue.failCause(queue, cause)
      })
    },
    { bufferSize: 16 }
  ).pipe(Stream.withSpan("Claude.streamWithTools")) as never

type AnyToolkit = ToolkitInput<Tools, unknown, unknown>
type AnyOptions = ToolsOptions<Tools, unknown, unknown> &
  ObjectOptions & { readonly schema?: Schema.ConstraintCodec<unknown, unknown, unknown, unknown> }

type Emit = (element: Element<AnyTools>) => Effect.Effect<void>

/** Runs the loop, and asks for the value of a schema. With `emit`, the calls are streamed. */
const generate = Effect.fnUntraced(function* (
  input: AnyToolkit,
  prompt: Prompt,
  { approve, concurrency = 8, limits = {}, schema, timeout, ...object }: AnyOptions,
  emit?: Emit
) {
  const claude = yield* Claude
  const toolkit = Effect.isEffect(input) ? yield* input : input
  const formats = yield* Effect.fromResult(ToolFormat.all(toolkit.tools))
  const most = concurrency >= 1 ? concurrency : 1
  const permits = yield* Semaphore.make(most)
  const handle = Invoke.through(toolkit)
  const invoke = Invoke.isToolkit(input) ? Invoke.direct(yield* Effect.context<never>(), handle) : handle
  const handlers = {
    tools: toolkit.tools,
    invoke,
    formats,
    permits,
    // Calls that wait for approval count too, so there are more of them than permits.
    maxStarted: Math.max(64, most),
    timeout,
    approve,
    emit: emit ?? (() => Effect.void)
  }
  const create = emit === undefined ? claude.create : creating(claude, emit)
  const ended = yield* ToolLoop.run({ create, handlers, limits, mayBeEmpty: schema !== undefined }, prompt)
  return schema === undefined ? ended.reply : yield* asValue(schema, ended, object, handlers.emit)
})

/** One more turn, which asks for the value of a schema. Its text is not streamed: it is JSON. */
const asValue = Effect.fnUntraced(function* (
  schema: NonNullable<AnyOptions["schema"]>,
  { reached, reply, request }: ToolLoop.Ended,
  options: ObjectOptions,
  emit: Emit
) {
  const turn = reply.turns + 1
  if (reached !== undefined) {
    const { cost, messages, turns, usage } = reply
    const detail =
      reached.limit === "turns" ? `the value needs turn ${turn}, and the limit is ${turns}` : reached.detail
    return yield* new ToolLimitReached({ ...reached, detail, turns, usage, cost, messages })
  }
  const asked = [
    ...reply.messages,
    { role: "user" as const, content: "Give the final answer as a value of the schema." }
  ]
  const choice = request.tools === undefined ? {} : { tool_choice: { type: "none" as const } }
  yield* emit({ _tag: "turn-started", turn })
  const last = yield* Effect.mapError(
    generateObject(schema, { ...request, ...choice, messages: Cited.without(asked) }, options),
    (error) => Turn.withUsage(error, [reply.usage])
  )
  const { cost, message, usage } = last
  yield* emit({ _tag: "turn-finished", turn, message, usage, cost })
  const messages = [...asked, Turn.assistant(message.content)]
  return { ...Turn.together([reply], last), value: last.value, messages, turns: turn }
})
