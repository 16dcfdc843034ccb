/**
 * The `LanguageModel` of effect/ai, made from `Claude`: `generateText`, `streamText`, `generateObject`, `Toolkit` and
 * `Chat` run over the policies of this library. Provider options are `options.anthropic` of messages and parts; see
 * `languageModel/ProviderOptions.ts`. A paused turn is continued, as the verbs of `Claude` do.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as AiError from "effect/ai/AiError"
import * as Ai from "effect/ai/LanguageModel"
import * as Model from "effect/ai/Model"
import type * as Response from "effect/ai/Response"
import * as Telemetry from "effect/ai/Telemetry"
import { Claude } from "../claude/Claude.ts"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import * as OutputFormat from "../claude/OutputFormat.ts"
import { Redactor } from "../claude/Redact.ts"
import type { Message } from "../claude/Reply.ts"
import type { Request } from "../claude/Request.ts"
import * as Usage from "../claude/Usage.ts"
import * as Failure from "./languageModel/Failure.ts"
import * as Finish from "./languageModel/Finish.ts"
import * as Asked from "./languageModel/Request.ts"
import type { Settings } from "./languageModel/Settings.ts"
import * as StreamParts from "./languageModel/StreamParts.ts"
import * as StructuredOutput from "./languageModel/StructuredOutput.ts"
import * as WholeParts from "./languageModel/WholeParts.ts"
import { generateObject } from "./object.ts"
import { ask, streamTurn } from "./text.ts"
import * as Turn from "./turn.ts"

export { claudeError } from "./languageModel/Failure.ts"
export type * from "./languageModel/ProviderOptions.ts"
export { Settings } from "./languageModel/Settings.ts"

/** The model with these settings, which replace the ones of `Claude.Defaults`. It needs `Claude`. */
export const make = Effect.fnUntraced(function* (settings: Settings = {}) {
  const claude = yield* Claude
  return yield* Ai.make({
    generateText: (options) =>
      generate(options, settings).pipe(Effect.provideService(Claude, claude), failing("generateText")),
    streamText: (options) =>
      Stream.unwrap(stream(options, settings).pipe(failing("streamText"))).pipe(Stream.provideService(Claude, claude)),
    codecTransformer: StructuredOutput.transformer,
    supportsSystemMessagesInHistory: Effect.succeed(true)
  })
})

/**
 * Provides the `LanguageModel` of effect/ai from `Claude`: `LanguageModel.layer().pipe(Layer.provide(claude))`. The model
 * is the one of `Claude.Defaults`, or `layer({ model: "claude-opus-5-5", max_tokens: 8192 })`.
 */
export const layer = (settings?: Settings): Layer.Layer<Ai.LanguageModel, never, Claude> =>
  Layer.effect(Ai.LanguageModel, make(settings))

/** The same as a `Model` of effect/ai, for an `ExecutionPlan` and for programs that read `Model.ModelName`. */
export const model = <const Name extends Request["model"]>(
  name: Name,
  settings?: Omit<Settings, "model">
): Model.Model<"anthropic", Ai.LanguageModel, Claude> =>
  Model.make("anthropic", name, layer({ ...settings, model: name }))

type Failed = ClaudeError | AiError.AiErrorReason

const generate = Effect.fnUntraced(function* (options: Ai.ProviderOptions, settings: Settings) {
  const asked = yield* Asked.make(options, settings)
  const { content, reply } =
    options.responseFormat.type === "json"
      ? yield* askObject(asked, options.responseFormat.schema)
      : yield* Effect.flatMap(ask(asked.request), (turn) => answerOf(turn))
  const parts = yield* Turn.discardOnFailure(reply)(WholeParts.make({ ...reply.message, content }, asked.tools))
  annotate(options, asked.request, reply)
  const now = yield* DateTime.nowAsDate
  return [Finish.responseMetadata(reply.message, reply, now), ...parts, Finish.finish(reply)]
})

/** The blocks to turn into parts, and the reply that they came with. */
interface Answer {
  readonly content: Message["content"]
  readonly reply: Turn.TextReply
}

const answerOf = (turn: Turn.Turn): Effect.Effect<Answer> =>
  Effect.map(Turn.judge(turn, Turn.finalText), ({ reply }) => ({ content: reply.message.content, reply }))

/** Asks for a value, and returns its text as the only text. A call of a tool takes the place of the value. */
const askObject = Effect.fnUntraced(function* (
  { request }: Asked.Asked,
  schema: Schema.Top
): Effect.fn.Return<Answer, Failed, Claude> {
  // The services that the schema needs are in the context of the call.
  const codec = schema as unknown as Schema.ConstraintCodec<unknown, unknown>
  const format = OutputFormat.make(codec)
  if (Result.isFailure(format)) {
    return yield* new AiError.UnsupportedSchemaError({ description: format.failure.message })
  }
  const reply = yield* Effect.result(generateObject(codec, request))
  if (Result.isSuccess(reply)) {
    const text = yield* Effect.orDie(StructuredOutput.textOf(codec, reply.success))
    return { content: StructuredOutput.withText(reply.success.message.content, text), reply: reply.success }
  }
  const { reason } = reply.failure
  if (reason._tag !== "ToolUseRequested") return yield* reply.failure
  const { answer: message, requestId, usage } = reason
  const answer = yield* answerOf([{ message, requestId, origin: "api", rateLimits: undefined }])
  return { ...answer, reply: { ...answer.reply, usage: usage ?? answer.reply.usage } }
})

const stream = Effect.fnUntraced(function* (options: Ai.ProviderOptions, settings: Settings) {
  const { request, tools } = yield* Asked.make(options, settings)
  const redact = yield* Redactor
  const toAiError = Stream.mapError((error: Failed) => Failure.toAiError(error, "streamText", redact))
  const reader = StreamParts.reader(tools)
  let isFirst = true
  return streamTurn<Response.StreamPartEncoded, AiError.AiErrorReason, never, Response.StreamPartEncoded>(
    request,
    (events, soFar) => {
      const message = () => soFar()?.at(-1)?.message
      return Stream.mapAccumArrayEffect(
        events,
        () => undefined,
        Effect.fnUntraced(function* (state, chunk) {
          const parts: Array<Response.StreamPartEncoded> = []
          for (const event of chunk) {
            const facts = soFar()?.at(-1)
            if (event.type === "message_start" && isFirst && facts !== undefined) {
              isFirst = false
              parts.push(Finish.responseMetadata(event.message, facts, yield* DateTime.nowAsDate))
            }
            parts.push(...(yield* reader.read(event, message)))
          }
          return [state, parts] as const
        })
      )
    },
    (turn) =>
      Stream.fromEffect(
        Effect.map(answerOf(turn), ({ reply }) => {
          annotate(options, request, reply)
          return Finish.finish(reply)
        })
      )
  ).pipe(toAiError)
})

const failing =
  (method: Failure.Method) =>
  <A, R>(effect: Effect.Effect<A, Failed, R>): Effect.Effect<A, AiError.AiError, R> =>
    Effect.catch(effect, (error) =>
      Effect.flatMap(Redactor, (redact) => Effect.fail(Failure.toAiError(error, method, redact)))
    )

/** The span of effect/ai gets the attributes that its other providers set. */
const annotate = ({ span }: Ai.ProviderOptions, { max_tokens, model }: Request, { message, usage }: Turn.TextReply) =>
  Telemetry.addGenAIAnnotations(span, {
    provider: { name: "anthropic" },
    operation: { name: "chat" },
    request: { model, maxTokens: max_tokens },
    response: { id: message.id, model: message.model, finishReasons: message.stop_reason ? [message.stop_reason] : [] },
    usage: { inputTokens: Usage.totalInput(usage), outputTokens: usage.output }
  })
