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
import type * as Tool from "effect/ai/Tool"
import * as OutputFormat from "../../claude/OutputFormat.ts"
import * as ToolFormat from "../../claude/ToolFormat.ts"
import { hash, type Request } from "../../claude/Request.ts"

/** The text with which Claude answers `generateObject(schema, …)` to give `value`. Throws where `value` breaks a check. */
export const object = <A, I, RD>(schema: Schema.ConstraintCodec<A, I, RD>, value: A): string => textOf(schema)(value)

/**
 * A block that calls a tool of effect/ai, as Claude calls it in `generateWithTools`:
 * `TestClaude.toolCall(FindOrder, { order: "4711" })`. Its message gives it an id. Throws where `input` breaks a check.
 */
export function toolCall<A, I, RD>(
  tool: Tool.Any & { readonly parametersSchema: Schema.ConstraintCodec<A, I, RD> },
  input: NoInfer<A>
): Anthropic.ToolUseBlock
/** A block that calls the tool `name` with parameters of `schema`, as JSON. */
export function toolCall<A, I, RD>(
  name: string,
  schema: Schema.ConstraintCodec<A, I, RD>,
  input: A
): Anthropic.ToolUseBlock
export function toolCall<A, I, RD>(
  ...call:
    | [tool: Tool.Any & { readonly parametersSchema: Schema.ConstraintCodec<A, I, RD> }, input: A]
    | [name: string, schema: Schema.ConstraintCodec<A, I, RD>, input: A]
): Anthropic.ToolUseBlock {
  if (call.length === 3) {
    const [name, schema, input] = call
    return toolUse(name, jsonOf(schema)(input))
  }
  const [tool, input] = call
  const { name } = Result.getOrThrow(ToolFormat.make(tool))
  const json = jsonOf(tool.parametersSchema)(input)
  const format = OutputFormat.makeNative(tool.parametersSchema)
  return toolUse(name, Result.isSuccess(format) ? format.success.write(json) : json)
}

const toolUse = (name: string, input: unknown): Anthropic.ToolUseBlock => ({
  type: "tool_use",
  id: "",
  name,
  input,
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
  const json = jsonOf(schema)
  return (value) => JSON.stringify(write(json(value)))
}

const jsonOf = <A, I, RD>(schema: Schema.ConstraintCodec<A, I, RD>) => Schema.encodeSync(Schema.toCodecJson(schema))
