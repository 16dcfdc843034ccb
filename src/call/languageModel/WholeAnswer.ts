/**
 * Answers `generateText` and `generateObject` of effect/ai: asks until the turn ends, and returns its parts.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as AiError from "effect/ai/AiError"
import type * as LanguageModel from "effect/ai/LanguageModel"
import type * as Response from "effect/ai/Response"
import type { Claude } from "../../claude/Claude.ts"
import type { ClaudeError } from "../../claude/ClaudeError.ts"
import * as OutputFormat from "../../claude/OutputFormat.ts"
import type { Message } from "../../claude/Reply.ts"
import { generateObject } from "../object.ts"
import { ask } from "../text.ts"
import * as Turn from "../turn.ts"
import * as Annotations from "./Annotations.ts"
import * as Finish from "./Finish.ts"
import * as Request from "./Request.ts"
import type { Settings } from "./Settings.ts"
import * as StructuredOutput from "./StructuredOutput.ts"
import * as WholeParts from "./WholeParts.ts"

type Failed = ClaudeError | AiError.AiErrorReason

/** The parts of the answer to a call. An answer that effect/ai cannot take is removed from the cache. */
export const make = Effect.fnUntraced(function* (
  options: LanguageModel.ProviderOptions,
  settings: Settings
): Effect.fn.Return<Array<Response.PartEncoded>, Failed, Claude> {
  const asked = yield* Request.make(options, settings)
  const { content, reasoning, reply } =
    options.responseFormat.type === "json"
      ? yield* askObject(asked, options.responseFormat.schema)
      : yield* Effect.flatMap(ask(asked.request), answerOf)
  const parts = yield* Turn.discardOnFailure(reply)(WholeParts.make({ ...reply.message, content }, asked.tools))
  Annotations.add(options, asked.request, reply)
  const now = yield* DateTime.nowAsDate
  return [Finish.responseMetadata(reply.message, reply, now), ...parts, Finish.finish(reply, reasoning)]
})

/** The blocks to turn into parts, the tokens of thinking, and the reply. */
interface Answer {
  readonly content: Message["content"]
  readonly reasoning: number | undefined
  readonly reply: Turn.TextReply
}

const answerOf = (turn: Turn.Turn): Effect.Effect<Answer> =>
  Effect.map(Turn.judge(turn, Turn.finalText), ({ reply }) => ({
    content: reply.message.content,
    reasoning: Finish.reasoningOf(turn),
    reply
  }))

/** Asks for a value, and returns its text as the only text. A call of a tool takes the place of the value. */
const askObject = Effect.fnUntraced(function* (
  { request }: Request.Asked,
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
    const { text: answered } = reply.success
    // Where a value cannot be encoded, effect/ai decodes the answer as it is.
    const text = yield* Effect.orElseSucceed(StructuredOutput.textOf(codec, reply.success), () => answered)
    const { message } = reply.success
    const content = StructuredOutput.withText(message.content, text)
    return { content, reasoning: Finish.reasoningOf([reply.success]), reply: reply.success }
  }
  const { reason } = reply.failure
  if (reason._tag !== "ToolUseRequested") return yield* reply.failure
  const { answer: message, requestId, usage } = reason
  const answer = yield* answerOf([{ message, requestId, origin: "api", rateLimits: undefined }])
  return { ...answer, reply: { ...answer.reply, usage: usage ?? answer.reply.usage } }
})
