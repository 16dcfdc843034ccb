/**
 * Reads a request as the API does: the first thing that the API would refuse fails it, in the API's words, with its path
 * (`messages.0.role: …`).
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Models from "../../../claude/Models.ts"
import * as Request from "../../../claude/Request.ts"
import * as ApiError from "../wire/ApiError.ts"
import type * as Exchange from "../wire/Exchange.ts"
import { refuse, refuseIf } from "../wire/Refusal.ts"
import * as Body from "./Body.ts"
import * as Capabilities from "./Capabilities.ts"
import * as Compaction from "./Compaction.ts"
import * as ContentBlocks from "./ContentBlocks.ts"
import * as Conversation from "./Conversation.ts"
import * as Fields from "./Fields.ts"
import * as Json from "./Json.ts"
import { JsonSchema } from "./JsonSchema.ts"
import * as Prompt from "./Prompt.ts"
import * as Segments from "./Segments.ts"
import * as Settings from "./Settings.ts"
import * as StrictSchema from "./StrictSchema.ts"
import * as Tools from "./Tools.ts"
import * as ToolTurns from "./ToolTurns.ts"

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
  /** Set where the prompt is long enough to be summarised before it is answered. */
  readonly compaction: Compaction.Compaction | undefined
  readonly stopSequences: ReadonlyArray<string>
  readonly schema: JsonSchema | undefined
  readonly tools: ReadonlyArray<Tools.Tool>
  readonly toolChoice: Tools.Choice
  readonly stream: boolean
}

type IsIssued = (signature: string) => boolean
const none: IsIssued = () => false

/** Reads a request to `/v1/messages`. `isIssued` knows the signatures of thinking that this emulator issued. */
export const call = Effect.fnUntraced(function* (
  request: Exchange.Request,
  isIssued: IsIssued = none
): Effect.fn.Return<Call, ApiError.ApiError> {
  const version = yield* checkVersion(request)
  const json = yield* Json.parse(request)
  const body = yield* Body.decodeCreate(json)
  const asked = yield* readRequest(json, request.headers["anthropic-beta"])
  yield* refuseIf(Fields.check(json, { counts: false, isNewVersion: isNew(version), isBeta: isBeta(request) }))
  // Clients that get this refusal send the whole conversation instead, such as the tool runner of the SDK.
  if (body.thread !== undefined && body.thread !== null) {
    const message = "thread: the emulator holds no threads; send the full conversation without it"
    return yield* Effect.fail({ ...ApiError.make(400, message), code: "thread_unsupported_request" })
  }
  const { model, segments, tools } = yield* read(body, body, version, isIssued)
  const compaction = yield* Compaction.read(body.context_management)
  const inputTokens = Segments.count(segments)
  if (inputTokens > model.maxInputTokens) {
    return yield* refuse(`prompt is too long: ${inputTokens} tokens > ${model.maxInputTokens} maximum`)
  }
  return {
    request: asked,
    requestHash: Request.hash(asked),
    model: datedName(model),
    prompt: Prompt.read({ ...body, messages: Compaction.sinceSummary(body.messages) }),
    segments,
    inputTokens,
    maxTokens: body.max_tokens,
    contextWindow: model.maxInputTokens,
    compaction: compaction !== undefined && inputTokens >= compaction.above ? compaction : undefined,
    stopSequences: body.stop_sequences ?? [],
    schema: schemaOf(body),
    tools,
    toolChoice: body.tool_choice ?? { type: "auto" },
    stream: body.stream ?? false
  }
})

/** Reads a request to `/v1/messages/count_tokens`: its input tokens. */
export const count = Effect.fnUntraced(function* (
  request: Exchange.Request,
  isIssued: IsIssued = none
): Effect.fn.Return<number, ApiError.ApiError> {
  const version = yield* checkVersion(request)
  const json = yield* Json.parse(request)
  const body = yield* Body.decodeCount(json)
  yield* refuseIf(Fields.check(json, { counts: true, isNewVersion: isNew(version), isBeta: isBeta(request) }))
  return Segments.count((yield* read(body, body, version, isIssued)).segments)
})

const read = Effect.fnUntraced(function* (
  body: Body.Body,
  settings: Settings.Settings,
  version: string,
  isIssued: IsIssued
) {
  const model = yield* findModel(body.model)
  const rules = { isNewVersion: isNew(version), prefill: Capabilities.find(model.id)?.prefill ?? false }
  yield* Settings.check(settings, model)
  yield* refuseIf(Conversation.check(body, rules))
  yield* ContentBlocks.check(body.messages, isIssued)
  const tools = yield* Tools.read(body.tools ?? [], body.tool_choice)
  yield* refuseIf(ToolTurns.check(body), Conversation.checkEnd(body.messages, rules))
  yield* refuseIf(citedFormat(body), StrictSchema.check(strictSchemas(body)))
  return { model, tools, segments: yield* Segments.read({ ...body, messages: Compaction.sinceSummary(body.messages) }) }
})

/** The API's words are not known; its documentation says that it refuses the two together. */
const citedFormat = ({ messages, output_config, output_format }: Body.Body): string | undefined =>
  (output_config?.format ?? output_format) && hasCitations(messages.map(({ content }) => content))
    ? "output_config.format: structured outputs cannot be used when citations are enabled"
    : undefined

const hasCitations = (content: unknown): boolean =>
  Array.isArray(content)
    ? content.some(hasCitations)
    : Predicate.isObject(content) &&
      ((Predicate.isObject(content["citations"]) && content["citations"]["enabled"] === true) ||
        hasCitations(content["content"]))

const strictSchemas = ({ output_config, output_format, tools }: Body.Body): ReadonlyArray<StrictSchema.Strict> => [
  ...(output_config?.format ? [{ path: "output_config.format.schema", schema: output_config.format.schema }] : []),
  ...(output_format ? [{ path: "output_format.schema", schema: output_format.schema }] : []),
  ...(tools ?? []).flatMap(({ input_schema, strict }, at) =>
    strict === true ? [{ path: `tools.${at}.custom`, schema: input_schema }] : []
  )
]

const decodeSchema = Schema.decodeUnknownOption(JsonSchema)

const schemaOf = ({ output_config, output_format }: Body.Body): JsonSchema | undefined => {
  const format = output_config?.format ?? output_format
  // A strict schema has no keyword in a form that the emulator cannot read; the text is an object in any case.
  return format ? Option.getOrElse(decodeSchema(format.schema), () => ({ type: "object" })) : undefined
}

/** The versions of the API. */
const versions = ["2023-06-01", "2026-10-21"]
const isNew = (version: string) => version !== "2023-06-01"

const checkVersion = Effect.fnUntraced(function* (request: Exchange.Request) {
  const version = request.headers["anthropic-version"]
  if (version === undefined) return yield* refuse("anthropic-version: header is required")
  if (!versions.includes(version)) {
    return yield* refuse(`anthropic-version: "${version}" is not a supported version; use ${versions.join(" or ")}`)
  }
  return version
})

/** The fields of a beta need its header; which beta has which field, the emulator does not check. */
const isBeta = ({ headers, path }: Exchange.Request) =>
  headers["anthropic-beta"] !== undefined || path.includes("beta=true")

/** The model with this id, or the refusal of an unknown id. */
export const findModel = (id: string): Effect.Effect<Models.Model, ApiError.ApiError> => {
  const model = Models.find(id)
  return model === undefined ? Effect.fail(ApiError.make(404, `model: ${id}`)) : Effect.succeed(model)
}

/** The model as its answers name it: by the id with the date, where it has one. */
const datedName = ({ id }: Models.Model): string =>
  Models.all.find((other) => other.id.startsWith(`${id}-20`))?.id ?? id

/** The request as its client has it: `stream` is the client's choice of how to get the answer. */
const readRequest = (json: unknown, betas: string | undefined): Effect.Effect<Request.Request, ApiError.ApiError> => {
  if (!isRequest(json)) return refuse("Input should be an object")
  const { stream: _, ...request } = json
  return Effect.succeed(
    betas === undefined ? request : { ...request, betas: betas.split(",").map((beta) => beta.trim()) }
  )
}

/** A body that was decoded is a request; fields that are not decoded stay in it. */
const isRequest = (json: unknown): json is Request.Request & { readonly stream?: boolean } => Predicate.isObject(json)
