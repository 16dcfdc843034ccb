/**
 * Replies from a Schema: in the shape in which Claude is asked for a value, which is not always the schema's own
 * (tuples become objects, what is optional becomes null).
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Arbitrary from "effect/Arbitrary"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { toCodecAnthropic } from "effect/ai/AnthropicStructuredOutput"
import { hash, type Request } from "../../claude/Request.ts"

/** The text with which Claude answers `generateObject(schema, …)` when it means `value`. Throws where it breaks a check. */
export const object = <A, I, RD>(schema: Schema.ConstraintCodec<A, I, RD>, value: A): string => textOf(schema)(value)

/** A block that calls the tool `name`, whose parameters are `schema`. It gets its id from the message it stands in. */
export const toolCall = <A, I, RD>(
  name: string,
  schema: Schema.ConstraintCodec<A, I, RD>,
  input: A
): Anthropic.ToolUseBlock => ({
  type: "tool_use",
  id: "",
  name,
  input: Schema.encodeSync(toCodecAnthropic(schema).codec)(input),
  caller: { type: "direct" }
})

/**
 * Answers every `generateObject(schema, …)` with a value of the schema. The same request gets the same value, today and
 * tomorrow, and under another `seed` another one: let a property choose the seed, and its failures can be repeated.
 */
export const arbitrary = <A, I, RD>(
  schema: Schema.ConstraintCodec<A, I, RD>,
  seed: string | number = 0
): ((request: Request) => Effect.Effect<string>) => {
  const texts = Arbitrary.map(Arbitrary.schema(schema), textOf(schema))
  return (request) => {
    const sample = Arbitrary.sampleEffect(texts, { count: 1, seed: `${seed} ${hash(request)}` })
    return Effect.orDie(Effect.map(sample, Arr.getUnsafe(0)))
  }
}

const textOf = <A, I, RD>(schema: Schema.ConstraintCodec<A, I, RD>): ((value: A) => string) =>
  Schema.encodeSync(Schema.fromJsonString(toCodecAnthropic(schema).codec))
