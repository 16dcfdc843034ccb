/**
 * Answers the calls of one turn. A call that names no tool, does not fit the schema, is not approved or takes too long is
 * reported to the model, and so is a failure of a tool with `failureMode: "return"`. Any other failure is raised, and so
 * is a defect, but only when the other handlers of the turn have ended.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import type * as Semaphore from "effect/Semaphore"
import type * as Tool from "effect/ai/Tool"
import * as Demand from "../../claude/Demand.ts"
import * as Event from "../../claude/Event.ts"
import { HandlerStore } from "../../claude/HandlerStore.ts"
import type { Request } from "../../claude/Request.ts"
import * as Sha256 from "../../claude/Sha256.ts"
import * as Approval from "./Approval.ts"
import type { Element } from "./Element.ts"
import * as Invoke from "./Invoke.ts"
import { textOutcome, type Outcome, Stored, toBlock } from "./Outcome.ts"
import type { ToolFormat, ToolFormats } from "../../claude/ToolFormat.ts"
import * as ToolResult from "../../claude/ToolResult.ts"
import { Replay, Timeout } from "./ToolSettings.ts"
import { traced } from "./ToolSpan.ts"

/** Tools without their types, which only the verbs know. */
export type AnyTools = Readonly<Record<string, Tool.Any>>

/** The tools of a loop, and how their handlers run. */
export interface Handlers {
  readonly tools: AnyTools
  readonly invoke: Invoke.Invoke
  readonly formats: ToolFormats
  readonly permits: Semaphore.Semaphore
  /** How many calls of a turn may be in progress, including calls that wait for approval. */
  readonly maxStarted: number
  readonly timeout: Duration.Input | undefined
  readonly approve: Approval.Approve<AnyTools, unknown, unknown> | undefined
  readonly emit: (element: Element<AnyTools, never>) => Effect.Effect<void>
}

type ToolUse = Anthropic.ToolUseBlock

/** The calls of a message. */
export const of = (content: ReadonlyArray<Anthropic.ContentBlock>): ReadonlyArray<ToolUse> =>
  content.filter((block) => block.type === "tool_use")

/** Results for calls that did not run, with the reason. */
export const notRun = (calls: ReadonlyArray<ToolUse>, why: string): ReadonlyArray<Anthropic.ToolResultBlockParam> =>
  calls.map((call) => toBlock(call, textOutcome("not-run", `Not run: ${why}.`)))

/** Answers all calls of a turn, in their order. `messages` is the conversation before the turn. */
export const answer = Effect.fnUntraced(function* (
  handlers: Handlers,
  calls: ReadonlyArray<ToolUse>,
  messages: Request["messages"]
) {
  const exits = yield* Effect.forEach(calls, (call) => Effect.exit(answerOne(handlers, call, messages)), {
    // The permits bound the handlers. A call that waits for approval holds none, so more calls begin than there are permits.
    concurrency: handlers.maxStarted
  })
  const causes = exits.flatMap((exit) => (Exit.isFailure(exit) ? [exit.cause] : []))
  if (causes.length > 0) return yield* Effect.failCause(causes.reduce(Cause.combine))
  return exits.flatMap((exit) => (Exit.isSuccess(exit) ? [exit.value] : []))
})

const answerOne = Effect.fnUntraced(function* (handlers: Handlers, call: ToolUse, messages: Request["messages"]) {
  const since = yield* Clock.monotonicTimeNanos
  const outcome = yield* outcomeOf(handlers, call, messages)
  const tool = handlers.formats.find(call.name)?.tool.name
  const duration = Duration.nanos((yield* Clock.monotonicTimeNanos) - since)
  yield* Event.emit(() => ({ _tag: "tool-finished", tool, outcome: outcome.outcome, duration }))
  yield* handlers.emit({ _tag: "tool-result", id: call.id, name: tool ?? call.name, ...outcome })
  return toBlock(call, outcome)
})

const outcomeOf = Effect.fnUntraced(function* (handlers: Handlers, call: ToolUse, messages: Request["messages"]) {
  const { emit, formats } = handlers
  const format = formats.find(call.name)
  if (format === undefined || format.isServerTool) return textOutcome("unknown-tool", unknown(handlers, call.name))
  const params = yield* Effect.result(format.decode(call.input))
  if (Result.isFailure(params)) return textOutcome("invalid-arguments", invalid(params.failure))
  const { name } = format.tool
  const known = { id: call.id, name, params: params.success }
  yield* emit({ _tag: "tool-call", ...known })
  const store = yield* HandlerStore
  const work = approved(
    handlers,
    format.tool,
    known,
    messages,
    run(handlers, format, { id: call.id, input: call.input, params: params.success })
  )
  if (store === undefined) return yield* work
  if (isAgain(format.tool)) return yield* store.running(work)
  const id = Sha256.hex(JSON.stringify([name, call.id, call.input]))
  const text = yield* store.stored(
    id,
    Effect.flatMap(work, (outcome) => Effect.orDie(encode(outcome)))
  )
  return yield* Effect.orDie(decode(text))
})

/** An approval is not asked for again, so the result of a tool that needs it is always stored. */
const isAgain = (tool: Tool.Any) => Context.get(tool.annotations, Replay) === "again" && !Approval.mayNeed(tool)

const encode = Schema.encodeEffect(Stored)
const decode = Schema.decodeEffect(Stored)

/** Runs the handler once its call is approved, where the tool needs it. */
const approved = <E, R>(
  { approve }: Handlers,
  tool: Tool.Any,
  call: Approval.AnyCall,
  messages: Request["messages"],
  handler: Effect.Effect<Outcome, E, R>
): Effect.Effect<Outcome, unknown, unknown> => {
  if (approve === undefined || !Approval.mayNeed(tool)) return handler
  return Effect.gen(function* () {
    if (!(yield* Approval.needs(tool, call, messages))) return yield* handler
    const store = yield* HandlerStore
    const wait = Demand.blocked(() => {})(Effect.suspend(() => approve(call)))
    const decision = Approval.decisionOf(yield* store === undefined ? wait : store.waiting(wait))
    return decision.approved ? yield* handler : textOutcome("denied", Approval.denial(decision))
  })
}

/** Runs the handler of a call, with a permit, a time limit and a span. */
const run = (
  { emit, invoke, permits, timeout }: Handlers,
  format: ToolFormat,
  call: Invoke.Call
): Effect.Effect<Outcome, unknown, unknown> => {
  const { id } = call
  const { name } = format.tool
  const progress = (result: unknown) => emit({ _tag: "tool-progress", id, name, result })
  const handled = Effect.map(invoke(format, call, progress), outcomeOfResult)
  const most = Context.get(format.tool.annotations, Timeout) ?? timeout
  const limited =
    most === undefined
      ? handled
      : Effect.map(
          Effect.timeoutOption(handled, most),
          Option.getOrElse(() =>
            textOutcome(
              "timed-out",
              `The tool gave no result within ${Duration.format(Duration.fromInputUnsafe(most))}.`
            )
          )
        )
  const raised = Effect.catch(limited, (error) => {
    if (Invoke.isUnencodable(error)) return Effect.die(mistaken(name))
    return Invoke.isUndeclared(format.tool, error) ? Effect.die(error) : Effect.fail(error)
  })
  return permits.withPermits(1)(traced({ id, name }, errorType, raised))
}

const outcomeOfResult = (result: Invoke.Returned): Outcome => ({
  outcome: result.isFailure ? "failed" : "succeeded",
  content: ToolResult.content(result),
  ...(result.encodedResult !== undefined && { result: result.encodedResult })
})

const mistaken = (name: string) => new Error(`the result of the tool ${name} does not fit its schema`)

/** The tag of a failure, or the way in which the call ended. */
const errorType = (exit: Exit.Exit<Outcome, unknown>): string | undefined => {
  if (Exit.isSuccess(exit)) {
    const { outcome, result } = exit.value
    return outcome === "succeeded" ? undefined : (tagOf(result) ?? outcome)
  }
  return Cause.hasInterruptsOnly(exit.cause) ? "interrupted" : (tagOf(Cause.squash(exit.cause)) ?? "_OTHER")
}

const tagOf = (error: unknown): string | undefined =>
  Predicate.hasProperty(error, "_tag") && Predicate.isString(error._tag) ? error._tag : undefined

const unknown = ({ formats }: Handlers, name: string): string => {
  const names = formats.definitions.flatMap((one) => ("name" in one ? [one.name] : []))
  return `There is no tool ${JSON.stringify(name)}. The tools are: ${names.join(", ")}.`
}

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

const invalid = ({ issue }: Schema.SchemaError): string => {
  const lines = issuesOf(issue).issues.map(({ message, path = [] }) => {
    const at = path
      .map((segment) => `[${JSON.stringify(typeof segment === "object" ? segment.key : segment)}]`)
      .join("")
    return at === "" ? `- ${message}` : `- ${message} at ${at}`
  })
  return ["The arguments do not fit the schema of the tool:", ...lines, "Call it again with other arguments."].join(
    "\n"
  )
}
