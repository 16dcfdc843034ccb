/**
 * What the API refuses, and in which words: the body is decoded at the edge, and the first thing wrong with it is named
 * with its path (`messages.0.role: …`). Fields it does not know pass, so that new ones work before they are known here.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Models from "../../../claude/Models.ts"
import * as Request from "../../../claude/Request.ts"
import * as ApiError from "../wire/ApiError.ts"
import type * as Exchange from "../wire/Exchange.ts"
import { JsonSchema } from "./JsonSchema.ts"
import * as Prompt from "./Prompt.ts"
import { decode, refuse, required, shouldBe, text } from "../wire/Refusal.ts"
import * as Segments from "./Segments.ts"
import * as Tools from "./Tools.ts"

/** The versions of the API. The newer one has no sampling parameters. */
const versions = ["2023-06-01", "2026-10-21"]

const sampling = ["temperature", "top_p", "top_k"]

const maximumBytes = 32 * 1024 * 1024

/** Fields that are not looked at here are still counted, cached and quoted. */
const rest = Schema.Record(Schema.String, Schema.Unknown)

const Block = Schema.StructWithRest(
  Schema.Struct({ type: text.annotateKey(required), text: Schema.optionalKey(text) }),
  [rest]
).annotate(shouldBe("an object"))

const Content = Schema.Union([Schema.String, Schema.Array(Block)]).annotate(shouldBe("a valid string or list"))

const Message = Schema.Struct({
  role: Schema.Literals(["user", "assistant", "system"])
    .annotate(shouldBe("'user', 'assistant' or 'system'"))
    .annotateKey(required),
  content: Content.annotateKey(required)
}).annotate(shouldBe("an object"))

const Format = Schema.Struct({
  type: text
    .check(Schema.makeFilter((type) => type === "json_schema" || "Input should be 'json_schema'"))
    .annotateKey(required),
  schema: JsonSchema.annotateKey(required)
})

const Count = Schema.Struct({
  model: text.annotateKey(required),
  messages: Schema.Array(Message).annotate(shouldBe("a valid list")).annotateKey(required),
  system: Schema.optionalKey(Content),
  tools: Schema.optionalKey(Schema.Array(rest.annotate(shouldBe("an object"))).annotate(shouldBe("a valid list"))),
  tool_choice: Schema.optionalKey(Tools.Choice),
  thinking: Schema.optionalKey(Schema.Unknown),
  cache_control: Schema.optionalKey(Schema.Unknown),
  output_config: Schema.optionalKey(
    Schema.StructWithRest(Schema.Struct({ format: Schema.optionalKey(Schema.NullOr(Format)) }), [rest])
  ),
  // The older name of `output_config.format`, which the beta still takes.
  output_format: Schema.optionalKey(Schema.NullOr(Format))
}).annotate(shouldBe("an object"))

const Create = Schema.Struct({
  ...Count.fields,
  max_tokens: Schema.Number.annotate(shouldBe("a valid integer"))
    .check(
      Schema.isInt(shouldBe("a valid integer")),
      Schema.isGreaterThanOrEqualTo(0, shouldBe("greater than or equal to 0"))
    )
    .annotateKey(required),
  stream: Schema.optionalKey(Schema.Boolean.annotate(shouldBe("a valid boolean"))),
  stop_sequences: Schema.optionalKey(Schema.Array(text).annotate(shouldBe("a valid list"))),
  thread: Schema.optionalKey(Schema.Unknown)
}).annotate(shouldBe("an object"))

/** A call that the model would answer. */
export interface Call {
  readonly request: Request.Request
  readonly requestHash: string
  readonly model: string
  readonly prompt: Prompt.Prompt
  readonly segments: ReadonlyArray<Segments.Segment>
  readonly inputTokens: number
  readonly maxTokens: number
  /** The tokens that the prompt and the answer can have together. */
  readonly contextWindow: number
  readonly stopSequences: ReadonlyArray<string>
  readonly schema: JsonSchema | undefined
  readonly tools: ReadonlyArray<Tools.Tool>
  readonly toolChoice: Tools.Choice
  readonly stream: boolean
}

/** Reads a request to `/v1/messages`. */
export const call = Effect.fnUntraced(function* (request: Exchange.Request): Effect.fn.Return<Call, ApiError.ApiError> {
  const version = yield* checkVersion(request)
  const json = yield* parse(request)
  const body = yield* decodeCreate(json)
  const asked = yield* readRequest(json, request.headers["anthropic-beta"])
  const refused = version === "2026-10-21" ? sampling.find((field) => Predicate.hasProperty(json, field)) : undefined
  if (refused !== undefined) return yield* refuse(`${refused}: Extra inputs are not permitted`)
  // Clients that get this refusal send the whole conversation instead, such as the tool runner of the SDK.
  if (body.thread !== undefined && body.thread !== null) {
    const message = "thread: the emulator holds no threads; send the full conversation without it"
    return yield* Effect.fail({ ...ApiError.make(400, message), code: "thread_unsupported_request" })
  }
  const model = yield* findModel(body.model)
  if (body.max_tokens > model.maxOutputTokens) {
    return yield* refuse(
      `max_tokens: ${body.max_tokens} > ${model.maxOutputTokens}, ` +
        `which is the maximum allowed number of output tokens for ${model.id}`
    )
  }
  yield* checkMessages(body.messages)
  const tools = yield* Tools.read(body, body.tool_choice, model.id)
  const segments = yield* Segments.read(body)
  const inputTokens = Segments.count(segments)
  if (inputTokens > model.maxInputTokens) {
    return yield* refuse(`prompt is too long: ${inputTokens} tokens > ${model.maxInputTokens} maximum`)
  }
  return {
    request: asked,
    requestHash: Request.hash(asked),
    model: datedName(model),
    prompt: Prompt.read(body),
    segments,
    inputTokens,
    maxTokens: body.max_tokens,
    contextWindow: model.maxInputTokens,
    stopSequences: body.stop_sequences ?? [],
    schema: (body.output_config?.format ?? body.output_format)?.schema,
    tools,
    toolChoice: body.tool_choice ?? { type: "auto" },
    stream: body.stream ?? false
  }
})

/** Reads a request to `/v1/messages/count_tokens`: its input tokens. */
export const count = Effect.fnUntraced(function* (
  request: Exchange.Request
): Effect.fn.Return<number, ApiError.ApiError> {
  yield* checkVersion(request)
  const body = yield* decodeCount(yield* parse(request))
  const model = yield* findModel(body.model)
  yield* checkMessages(body.messages)
  yield* Tools.read(body, body.tool_choice, model.id)
  return Segments.count(yield* Segments.read(body))
})

const parse = ({ body }: Exchange.Request): Effect.Effect<unknown, ApiError.ApiError> =>
  body.length > maximumBytes
    ? Effect.fail(ApiError.make(413, "Request exceeds the maximum size"))
    : Effect.mapError(parseJson(body), () => ApiError.make(400, "The request body is not valid JSON"))

const parseJson = Schema.decodeEffect(Schema.fromJsonString(Schema.Unknown))

const decodeCreate = decode(Create)
const decodeCount = decode(Count)

const checkVersion = Effect.fnUntraced(function* (request: Exchange.Request) {
  const version = request.headers["anthropic-version"]
  if (version === undefined) return yield* refuse("anthropic-version: header is required")
  if (!versions.some((known) => known === version)) {
    return yield* refuse(`anthropic-version: "${version}" is not a supported version; use ${versions.join(" or ")}`)
  }
  return version
})

/** The model with this id, or the refusal that there is none. */
export const findModel = (id: string): Effect.Effect<Models.Model, ApiError.ApiError> => {
  const model = Models.find(id)
  return model === undefined ? Effect.fail(ApiError.make(404, `model: ${id}`)) : Effect.succeed(model)
}

/** The model as its answers name it: by the id with the date, where it has one. */
const datedName = ({ id }: Models.Model): string =>
  Models.all.find((other) => other.id.startsWith(`${id}-20`))?.id ?? id

const checkMessages = (messages: Prompt.Fields["messages"]) => {
  if (messages.length === 0) return refuse("messages: at least one message is required")
  if (messages[0]?.role === "assistant") return refuse('messages: first message must use the "user" role')
  const empty = messages.findIndex(
    ({ content, role }, at) => content.length === 0 && !(role === "assistant" && at === messages.length - 1)
  )
  if (empty !== -1) {
    return refuse(
      `messages.${empty}: all messages must have non-empty content except for the optional final assistant message`
    )
  }
  const hasEmptyText = messages.some(({ content }) => typeof content !== "string" && content.some(isEmptyText))
  return hasEmptyText ? refuse("messages: text content blocks must be non-empty") : Effect.void
}

/** One with a breakpoint of the cache is refused for that. */
const isEmptyText = (block: unknown) =>
  Predicate.isObject(block) && block["type"] === "text" && block["text"] === "" && block["cache_control"] === undefined

/** The request as its client has it: `stream` is the client's choice of how to get the answer. */
const readRequest = (json: unknown, betas: string | undefined): Effect.Effect<Request.Request, ApiError.ApiError> => {
  if (!isRequest(json)) return refuse("Input should be an object")
  const { stream: _, ...request } = json
  return Effect.succeed(
    betas === undefined ? request : { ...request, betas: betas.split(",").map((beta) => beta.trim()) }
  )
}

/** A body that was decoded is a request; fields that are not known here stay in it. */
const isRequest = (json: unknown): json is Request.Request & { readonly stream?: boolean } => Predicate.isObject(json)
