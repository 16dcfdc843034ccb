/**
 * `generateObject` of effect/ai with the ladder of `Claude.generateObject`: the answer is repaired or asked for again before
 * effect/ai decodes it, and a schema that the API cannot take is refused before a call.
 */
import * as Effect from "effect/Effect"
import * as Json from "../../claude/Json.ts"
import * as OutputFormat from "../../claude/OutputFormat.ts"
import type { Message } from "../../claude/Reply.ts"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import type * as LanguageModel from "effect/ai/LanguageModel"

/** The translation of a schema that effect/ai decodes the text of an answer with. */
export const transformer: LanguageModel.CodecTransformer = (schema) => {
  // effect/ai catches what a transformer throws, and fails with the message.
  const format = Result.getOrThrowWith(OutputFormat.make(schema), (refused) => refused)
  const encode = Schema.encodeUnknownEffect(Schema.toCodecJson(schema))
  const codec = Schema.Unknown.pipe(
    Schema.decodeTo(
      Schema.toType(schema),
      SchemaTransformation.transformEffect({
        decode: (sent: unknown) => Effect.mapError(format.read(sent), ({ issue }) => issue),
        encode: (value) => Effect.mapBoth(encode(value), { onFailure: ({ issue }) => issue, onSuccess: format.write })
      })
    )
  )
  return { codec, jsonSchema: { ...format.schema } }
}

/** The text that effect/ai decodes: Claude's, or the value in the same shape where the text had to be repaired. */
export const textOf = Effect.fnUntraced(function* <A, I, RD, RE>(
  schema: Schema.ConstraintCodec<A, I, RD, RE>,
  { text, value }: { readonly text: string; readonly value: A }
) {
  if (Json.parse(text) !== undefined) return text
  const encoded = yield* Schema.encodeUnknownEffect(transformer(schema).codec)(value)
  return JSON.stringify(encoded)
})

/** The content with this as its only text: effect/ai decodes all texts together. */
export const withText = (content: Message["content"], text: string): Message["content"] => {
  const last = content.findLastIndex(({ type }) => type === "text")
  return content
    .filter((block, at) => block.type !== "text" || at === last)
    .map((block) => (block.type === "text" ? { ...block, text } : block))
}
