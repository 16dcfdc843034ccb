/**
 * What the API refuses, and in which words: the body is decoded at the edge, and the first thing wrong with it is named
 * with its path (`messages.0.role: …`). Fields it does not know pass, so that new ones work before they are known here.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as Models from "../../claude/Models.ts"
import * as Request from "../../claude/Request.ts"
import * as ApiError from "./ApiError.ts"
import type * as Exchange from "./Exchange.ts"
import { JsonSchema } from "./JsonSchema.ts"
import * as Prompt from "./Prompt.ts"

/** The versions of the API. The newer one has no sampling parameters. */
const versions = ["2023-06-01", "2026-10-21"]

const sampling = ["temperature", "top_p", "top_k"]

const maximumBytes = 32 * 1024 * 1024

const required = { messageMissingKey: "Field required" }
const shouldBe = (what: string) => ({ message: `Input should be ${what}` })

const text = Schema.String.annotate(shouldBe("a valid string"))

const Block = Schema.Struct({
  type: text.annotateKey(required),
  text: Schema.optionalKey(text),
  source: Schema.optionalKey(Schema.Unknown),
  content: Schema.optionalKey(Schema.Unknown)
}).annotate(shouldBe("an object"))

const Content = Schema.Union([Schema.String, Schema.Array(Block)]).annotate(shouldBe("a valid string or list"))

const Message = Schema.Struct({
  role: Schema.Literals(["user", "assistant", "system"])
    .annotate(shouldBe("'user', 'assistant' or 'system'"))
    .annotateKey(required),
  content: Content.annotateKey(required)
}).annotate(shouldBe("an object"))

const Count = Schema.Struct({
  model: text.annotateKey(required),
  messages: Schema.Array(Message).annotate(shouldBe("a valid list")).annotateKey(required),
  system: Schema.optionalKey(Content),
  tools: Schema.optionalKey(Schema.Array(Schema.Unknown).annotate(shouldBe("a valid list"))),
  output_config: Schema.optionalKey(
    Schema.Struct({
      format: Schema.optionalKey(
        Schema.NullOr(
          Schema.Struct({
            type: text
              .check(Schema.makeFilter((type) => type === "json_schema" || "Input should be 'json_schema'"))
              .annotateKey(required),
            schema: JsonSchema.annotateKey(required)
          })
        )
      )
    })
  )
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
  stop_sequences: Schema.optionalKey(Schema.Array(text).annotate(shouldBe("a valid list")))
}).annotate(shouldBe("an object"))

const Page = Schema.Struct({
  limit: Schema.optionalKey(
    Schema.FiniteFromString.annotate(shouldBe("a valid integer")).check(
      Schema.isInt(shouldBe("a valid integer")),
      Schema.isBetween({ minimum: 1, maximum: 1000 }, shouldBe("between 1 and 1000"))
    )
  ),
  after_id: Schema.optionalKey(Schema.String)
})

/** A call that the model would answer. */
export interface Call {
  readonly requestHash: string
  readonly model: string
  readonly prompt: Prompt.Prompt
  readonly inputTokens: number
  readonly maxTokens: number
  readonly stopSequences: ReadonlyArray<string>
  readonly schema: JsonSchema | undefined
  readonly stream: boolean
}

/** Reads a request to `/v1/messages`. */
export const call = Effect.fnUntraced(function* (request: Exchange.Request): Effect.fn.Return<Call, ApiError.ApiError> {
  const version = yield* checkVersion(request)
  const json = yield* parse(request)
  const body = yield* decodeCreate(json)
  const refused = version === "2026-10-21" ? sampling.find((field) => Predicate.hasProperty(json, field)) : undefined
  if (refused !== undefined) return yield* refuse(`${refused}: Extra inputs are not permitted`)
  const model = yield* findModel(body.model)
  if (body.max_tokens > model.maxOutputTokens) {
    return yield* refuse(
      `max_tokens: ${body.max_tokens} > ${model.maxOutputTokens}, ` +
        `which is the maximum allowed number of output tokens for ${model.id}`
    )
  }
  yield* checkMessages(body.messages)
  const inputTokens = Prompt.countTokens(body)
  if (inputTokens > model.maxInputTokens) {
    return yield* refuse(`prompt is too long: ${inputTokens} tokens > ${model.maxInputTokens} maximum`)
  }
  return {
    requestHash: hash(json, request.headers["anthropic-beta"]),
    model: model.id,
    prompt: Prompt.read(body),
    inputTokens,
    maxTokens: body.max_tokens,
    stopSequences: body.stop_sequences ?? [],
    schema: body.output_config?.format?.schema,
    stream: body.stream ?? false
  }
})

/** Reads a request to `/v1/messages/count_tokens`: its input tokens. */
export const count = Effect.fnUntraced(function* (
  request: Exchange.Request
): Effect.fn.Return<number, ApiError.ApiError> {
  yield* checkVersion(request)
  const body = yield* decodeCount(yield* parse(request))
  yield* findModel(body.model)
  yield* checkMessages(body.messages)
  return Prompt.countTokens(body)
})

/** Reads the query of `/v1/models`. */
export const page = (query: unknown): Effect.Effect<typeof Page.Type, ApiError.ApiError> => decodePage(query)

const refuse = (message: string) => Effect.fail(ApiError.make(400, message))

const parse = ({ body }: Exchange.Request): Effect.Effect<unknown, ApiError.ApiError> =>
  body.length > maximumBytes
    ? Effect.fail(ApiError.make(413, "Request exceeds the maximum size"))
    : Effect.mapError(parseJson(body), () => ApiError.make(400, "The request body is not valid JSON"))

const parseJson = Schema.decodeEffect(Schema.fromJsonString(Schema.Unknown))

/** Decodes a body; the error is the first problem and where it is. */
const decode = <S extends Schema.ConstraintDecoder<unknown>>(schema: S) => {
  const decodeBody = SchemaParser.decodeUnknownEffect(schema)
  return (json: unknown): Effect.Effect<S["Type"], ApiError.ApiError> =>
    Effect.mapError(decodeBody(json), (issue) => {
      const [first] = format(issue).issues
      const path = first?.path?.map(String).join(".") ?? ""
      return ApiError.make(400, path === "" ? `${first?.message}` : `${path}: ${first?.message}`)
    })
}

const format = SchemaIssue.makeFormatterStandardSchemaV1()

const decodeCreate = decode(Create)
const decodeCount = decode(Count)
const decodePage = decode(Page)

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

const checkMessages = (messages: Prompt.Fields["messages"]) => {
  if (messages.length === 0) return refuse("messages: at least one message is required")
  if (messages[0]?.role === "assistant") return refuse('messages: first message must use the "user" role')
  const empty = messages.findIndex(
    ({ content, role }, at) => content.length === 0 && !(role === "assistant" && at === messages.length - 1)
  )
  if (empty === -1) return Effect.void
  return refuse(
    `messages.${empty}: all messages must have non-empty content except for the optional final assistant message`
  )
}

/** The hash that a client computes of the same request: `stream` is the client's choice of how to get the answer. */
const hash = (json: unknown, betas: string | undefined): string => {
  if (!isRequest(json)) return ""
  const { stream: _, ...request } = json
  return Request.hash(betas === undefined ? request : { ...request, betas: betas.split(",") })
}

/** A body that was decoded is a request; fields that are not known here stay in it. */
const isRequest = (json: unknown): json is Request.Request & { readonly stream?: boolean } => Predicate.isObject(json)
