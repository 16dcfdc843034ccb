/**
 * The blocks of a conversation, one by one: their types, their fields, and what the API demands of each kind.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import type { ApiError } from "../wire/ApiError.ts"
import { decode, refuse, refuseIf, required, shouldBe, text } from "../wire/Refusal.ts"
import * as Fields from "./Fields.ts"
import * as ImageType from "../../../claude/ImageType.ts"
import * as Media from "./Media.ts"
import type * as Prompt from "./Prompt.ts"
import * as Signature from "./Signature.ts"

const matching = (pattern: string) =>
  text.check(Schema.isPattern(new RegExp(pattern), { message: `String should match pattern '${pattern}'` }))

const id = matching("^[a-zA-Z0-9_-]+$").annotateKey(required)

const dictionary = Schema.Record(Schema.String, Schema.Unknown).annotate(shouldBe("a valid dictionary"))

const kinds = {
  text: Schema.Struct({ text: text.annotateKey(required) }),
  tool_use: Schema.Struct({
    id,
    name: text
      .check(
        Schema.isMinLength(1, { message: "String should have at least 1 character" }),
        Schema.isMaxLength(200, { message: "String should have at most 200 characters" })
      )
      .annotateKey(required),
    input: dictionary.annotateKey(required)
  }),
  tool_result: Schema.Struct({
    tool_use_id: id,
    is_error: Schema.optionalKey(Schema.NullOr(Schema.Boolean).annotate(shouldBe("a valid boolean"))),
    content: Schema.optionalKey(
      Schema.NullOr(Schema.Union([Schema.String, Schema.Array(Schema.Unknown)])).annotate(
        shouldBe("a valid string or list")
      )
    )
  }),
  thinking: Schema.Struct({ thinking: text.annotateKey(required), signature: text.annotateKey(required) }),
  redacted_thinking: Schema.Struct({ data: text.annotateKey(required) }),
  image: Schema.Struct({ source: dictionary.annotateKey(required) }),
  document: Schema.Struct({ source: dictionary.annotateKey(required) })
}

const base64 = (mediaTypes: ReadonlyArray<string>) =>
  Schema.Struct({
    media_type: Schema.Literals(mediaTypes)
      .annotate(
        shouldBe(
          mediaTypes
            .map((type) => `'${type}'`)
            .join(", ")
            .replace(/, (?=[^,]*$)/, " or ")
        )
      )
      .annotateKey(required),
    data: text.annotateKey(required)
  })

const decoders = Record.map(kinds, (kind) => decode<Schema.ConstraintDecoder<unknown>>(kind))
const decodeImage = decode(base64(ImageType.types))
const decodePdf = decode(base64(["application/pdf"]))

/** The fields of the kinds that are checked; others are newer, or sent by Claude and returned as they are. */
const fields = {
  text: names<Anthropic.Messages.TextBlockParam>()({ type: true, text: true, cache_control: true, citations: true }),
  tool_use: names<Anthropic.Messages.ToolUseBlockParam>()({
    type: true,
    id: true,
    name: true,
    input: true,
    cache_control: true,
    caller: true,
    toolset_name: true
  }),
  tool_result: names<Anthropic.Messages.ToolResultBlockParam>()({
    type: true,
    tool_use_id: true,
    content: true,
    is_error: true,
    cache_control: true,
    toolset_name: true
  }),
  thinking: names<Anthropic.Messages.ThinkingBlockParam>()({ type: true, thinking: true, signature: true }),
  redacted_thinking: names<Anthropic.Messages.RedactedThinkingBlockParam>()({ type: true, data: true }),
  image: names<Anthropic.Messages.ImageBlockParam>()({
    type: true,
    source: true,
    cache_control: true,
    transformations: true
  }),
  document: names<Anthropic.Messages.DocumentBlockParam>()({
    type: true,
    source: true,
    cache_control: true,
    citations: true,
    context: true,
    title: true
  })
}

function names<Block>() {
  return (known: Readonly<Record<keyof Block, true>>) => known
}

type Path = ReadonlyArray<string | number>

/** Refuses the first block of a conversation that the API refuses. */
export const check = Effect.fnUntraced(function* (
  messages: Prompt.Fields["messages"],
  isIssued: (signature: string) => boolean
): Effect.fn.Return<void, ApiError> {
  for (const [at, { content }] of messages.entries()) {
    yield* checkAll(content, ["messages", at, "content"], isIssued)
  }
})

const checkAll = Effect.fnUntraced(function* (
  content: unknown,
  path: Path,
  isIssued: (signature: string) => boolean
): Effect.fn.Return<void, ApiError> {
  if (!Array.isArray(content)) return
  for (const [at, block] of content.entries()) yield* checkBlock(block, [...path, at], isIssued)
})

const checkBlock = Effect.fnUntraced(function* (
  block: unknown,
  path: Path,
  isIssued: (signature: string) => boolean
): Effect.fn.Return<void, ApiError> {
  if (!Predicate.isObject(block)) return yield* refuse(`${path.join(".")}: Input should be an object`)
  const type = String(block["type"])
  const isOfResult = path.includes("tool_result")
  yield* refuseIf((isOfResult ? Fields.checkResultBlock : Fields.checkBlock)(type, path.join(".")))
  if (!isChecked(type)) return
  yield* decoders[type](block, ...path, type)
  yield* refuseIf(Fields.unknownField(block, fields[type], `${[...path, type].join(".")}.`))
  if (type === "tool_result") yield* checkAll(block["content"], [...path, type, "content"], isIssued)
  if (type === "image" || type === "document") yield* checkSource(block["source"], type, [...path, type, "source"])
  yield* refuseIf(checkSignature(block, type, path.join("."), isIssued))
})

const isChecked = (type: string): type is keyof typeof kinds => Object.hasOwn(kinds, type)

const checkSignature = (
  block: { readonly [field: string]: unknown },
  type: string,
  path: string,
  isIssued: (signature: string) => boolean
) => {
  const [field, signature] =
    type === "thinking"
      ? ["signature", block["signature"]]
      : type === "redacted_thinking"
        ? ["data", block["data"]]
        : ["", undefined]
  return !Predicate.isString(signature) || isIssued(signature) || Signature.isClaudes(signature)
    ? undefined
    : `${path}: Invalid \`${field}\` in \`${type}\` block`
}

const checkSource = Effect.fnUntraced(function* (
  source: unknown,
  type: "image" | "document",
  path: Path
): Effect.fn.Return<void, ApiError> {
  if (!Predicate.isObject(source) || source["type"] !== "base64") return
  const at = [...path, "base64"]
  if (type === "image") {
    const image = yield* decodeImage(source, ...at)
    return yield* refuseIf(Media.checkImage(image, at.join(".")))
  }
  const pdf = yield* decodePdf(source, ...at)
  return yield* refuseIf(Media.checkPdf(pdf, at.join(".")))
})
