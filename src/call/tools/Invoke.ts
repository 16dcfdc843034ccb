/**
 * Runs the handler of a tool. `Toolkit.handle` starts a fiber, a queue and a stream for each call, and decodes the
 * arguments a second time: that took more CPU than the call of Claude itself. So the handlers of a `Toolkit` are run
 * directly, by the same rules, and only a toolkit that brings its own `handle` goes through it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as AiError from "effect/ai/AiError"
import * as Tool from "effect/ai/Tool"
import type * as Toolkit from "effect/ai/Toolkit"
import type { ToolFormat } from "../../claude/ToolFormat.ts"

/** What a handler returned. */
export type Returned = Pick<Tool.HandlerResult<Tool.Any>, "encodedResult" | "isFailure" | "modelOutput">

/** A call: its arguments as Claude sent them, and decoded. */
export interface Call {
  readonly id: string
  readonly input: unknown
  readonly params: unknown
}

/** Runs the handler of a call. `progress` receives the encoded results that it reports before it ends. */
export type Invoke = (
  format: ToolFormat,
  call: Call,
  progress: (result: unknown) => Effect.Effect<void>
) => Effect.Effect<Returned, unknown, unknown>

/** Runs handlers with `handle` of a toolkit. */
export const through =
  ({ handle }: Pick<Toolkit.WithHandler<Record<string, Tool.Any>>, "handle">): Invoke =>
  ({ toEncoded, tool: { name } }, { id, input }, progress) =>
    Effect.gen(function* () {
      const results = yield* handle(name, yield* Effect.orDie(toEncoded(input)), id)
      let last: Returned | undefined
      yield* Stream.runForEach(results, (result) => {
        if (result.preliminary) return progress(result.encodedResult)
        last = result
        return Effect.void
      })
      return last ?? (yield* Effect.die(new Error(`the tool ${name} has no result`)))
    })

/** Whether an input is a `Toolkit`, whose handlers are in the context. Any other effect may give another `handle`. */
export const isToolkit = (input: unknown): boolean => Predicate.hasProperty(input, "~effect/ai/Toolkit")

/** Runs the handlers that the context has; for a tool without one, `other`. */
export const direct = (context: Context.Context<never>, other: Invoke): Invoke => {
  const known = new Map<string, Invoke | undefined>()
  return (format, call, progress) => {
    const { id } = format.tool
    let invoke = known.get(id)
    if (invoke === undefined) {
      const found = context.mapUnsafe.get(id)
      known.set(id, (invoke = isHandler(found) ? withHandler(format.tool, found) : other))
    }
    return invoke(format, call, progress)
  }
}

/** A handler as `Toolkit.toLayer` provides it, under the id of its tool. */
interface Handler {
  readonly context: Context.Context<never>
  readonly handler: (params: unknown, context: unknown) => Effect.Effect<unknown, unknown, unknown>
}

const isHandler = (value: unknown): value is Handler =>
  Predicate.hasProperty(value, "handler") &&
  Predicate.isFunction(value.handler) &&
  Predicate.hasProperty(value, "context") &&
  Context.isContext(value.context)

const withHandler = (tool: Tool.Any, { context, handler }: Handler): Invoke => {
  const encodeSuccess = Schema.encodeUnknownEffect(tool.successSchema)
  const encoded = (result: unknown) => Effect.mapError(encodeSuccess(result), () => unencodable(tool))
  const failed = (error: unknown) =>
    Effect.map(
      // Failures are rare, and this schema is built anew each time.
      Effect.mapError(Schema.encodeUnknownEffect(Tool.failureResultSchema(tool))(error), () => unencodable(tool)),
      (encodedResult): Returned => ({ encodedResult, isFailure: true })
    )
  const { toModelOutput } = tool
  return (_, { id, params }, progress) => {
    const preliminary = (result: unknown) => Effect.flatMap(Effect.orDie(encoded(result)), progress)
    const handled = Effect.updateContext(
      Effect.suspend(() => handler(params, { toolCallId: id, preliminary })),
      (outer: Context.Context<unknown>) => Context.merge(context, outer)
    )
    const normal = Effect.mapError(handled, (error) => normalized(tool, error))
    const returned = Effect.flatMap(normal, (result) =>
      Effect.map(encoded(result), (encodedResult): Returned => ({
        encodedResult,
        isFailure: false,
        ...(toModelOutput !== undefined && { modelOutput: toModelOutput(result) })
      }))
    )
    if (tool.failureMode === "error") return returned
    return Effect.catchIf(returned, Predicate.not(isUnencodable), failed)
  }
}

/** A result that does not fit the schema of its tool is a mistake of the program. Its values are not in the error. */
const unencodable = ({ name }: Tool.Any) =>
  AiError.make({
    module: "Toolkit",
    method: `${name}.handle`,
    reason: new AiError.ToolResultEncodingError({
      toolName: name,
      toolResult: null,
      description: "it does not fit the schema of the tool"
    })
  })

/** Whether the result of a handler did not fit the schema of its tool. */
export const isUnencodable = (error: unknown): boolean =>
  AiError.isAiError(error) && error.reason._tag === "ToolResultEncodingError"

/**
 * Whether a handler failed with an `AiError` that its tool does not declare. The types of effect/ai let every handler do
 * so, but no caller of a loop expects it.
 */
export const isUndeclared = ({ failureSchema }: Tool.Any, error: unknown): boolean =>
  AiError.isAiError(error) && !Schema.is(failureSchema)(error)

/** The error that `Toolkit.handle` would raise. One that the tool declares is raised as it is. */
const normalized = ({ failureMode, failureSchema, name }: Tool.Any, error: unknown): unknown => {
  const isDeclared: boolean = failureMode === "error" && Schema.is(failureSchema)(error)
  if (isDeclared) return error
  const make = (reason: AiError.AiErrorReason) => AiError.make({ module: "Toolkit", method: `${name}.handle`, reason })
  if (AiError.isAiErrorReason(error)) return make(error)
  if (!Schema.isSchemaError(error)) return error
  const description = `Tool handler returned invalid result: ${error.message}`
  return make(new AiError.InvalidToolResultError({ toolName: name, description }))
}
