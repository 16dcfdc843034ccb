/**
 * Replies from a Schema, in the shape in which `generateObject` asks Claude for a value: maps are lists of entries,
 * tuples are objects, and a value that is no object is in one.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Arbitrary from "effect/Arbitrary"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as OutputFormat from "../../claude/OutputFormat.ts"
import { hash, type Request } from "../../claude/Request.ts"

/** The text with which Claude answers `generateObject(schema, …)` to give `value`. Throws where `value` breaks a check. */
export const object = <A, I, RD>(schema: Schema.ConstraintCodec<A, I, RD>, value: A): string => textOf(schema)(value)

/** A block that calls the tool `name` with parameters of `schema`, as JSON. Its message gives it an id. */
export const toolCall = <A, I, RD>(
  name: string,
  schema: Schema.ConstraintCodec<A, I, RD>,
  input: A
): Anthropic.ToolUseBlock => ({
  type: "tool_use",
  id: "",
  name,
  input: Schema.encodeSync(Schema.toCodecJson(schema))(input),
  caller: { type: "direct" }
})

/**
 * Answers every `generateObject(schema, …)` with a generated value of the schema. The same request and `seed` always give
 * the same value. Let a property choose the seed, so that a failure can be repeated.
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

/** Encodes as `Schema.toCodecJson` does, then gives the shape in which `generateObject` asks for the value. */
const textOf = <A, I, RD>(schema: Schema.ConstraintCodec<A, I, RD>): ((value: A) => string) => {
  const { write } = Result.getOrThrow(OutputFormat.make(schema))
  const encode = Schema.encodeSync(Schema.toCodecJson(schema))
  return (value) => JSON.stringify(write(encode(value)))
}
