/**
 * The tools of a request: what the API demands of their definitions and of `tool_choice`.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { ApiError } from "../wire/ApiError.ts"
import type { Fields } from "./Prompt.ts"
import { decode, refuse, required, shouldBe, text } from "../wire/Refusal.ts"

/** A tool that the client runs has a schema. The other tools are Anthropic's; the API knows them by their type. */
const Custom = Schema.Struct({
  name: text
    .check(
      Schema.makeFilter(
        (name) => /^[a-zA-Z0-9_-]{1,128}$/.test(name) || "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"
      )
    )
    .annotateKey(required),
  description: Schema.optionalKey(text),
  strict: Schema.optionalKey(Schema.NullOr(Schema.Boolean).annotate(shouldBe("a valid boolean"))),
  input_schema: Schema.StructWithRest(
    Schema.Struct({
      type: Schema.Literal("object").annotate(shouldBe("'object'")).annotateKey(required),
      properties: Schema.optionalKey(
        Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown)).annotate(shouldBe("a valid dictionary"))
      ),
      required: Schema.optionalKey(Schema.NullOr(Schema.Array(text)).annotate(shouldBe("a valid list")))
    }),
    [Schema.Record(Schema.String, Schema.Unknown)]
  )
    .annotate(shouldBe("a valid dictionary"))
    .annotateKey(required)
})

/** A tool that the client runs. */
export interface Tool extends Schema.Schema.Type<typeof Custom> {}

const propertyKey = /^[a-zA-Z0-9_.-]{1,64}$/

const parallel = { disable_parallel_tool_use: Schema.optionalKey(Schema.Boolean) }

/** `tool_choice`: which tools the model may or must call. */
export const Choice = Schema.Union([
  Schema.Struct({ type: Schema.Literals(["auto", "any"]), ...parallel }),
  Schema.Struct({ type: Schema.Literal("tool"), name: text, ...parallel }),
  Schema.Struct({ type: Schema.Literal("none") })
]).annotate(shouldBe("a valid tool choice: auto, any, tool with a name, or none"))

/** `tool_choice`: which tools the model may or must call. */
export type Choice = typeof Choice.Type

const decodeCustom = decode(Custom)

/** The tools that the client runs; refused where the tools of a request do not fit together. */
export const read = Effect.fnUntraced(function* (
  tools: Fields["tools"] = [],
  choice: Choice | null | undefined
): Effect.fn.Return<ReadonlyArray<Tool>, ApiError> {
  const customs: Array<Tool> = []
  for (const [at, tool] of tools.entries()) {
    if ((tool["type"] ?? "custom") !== "custom") continue
    const custom = yield* decodeCustom(tool, "tools", at, "custom")
    const union = ["oneOf", "allOf", "anyOf"].find((keyword) => Object.hasOwn(custom.input_schema, keyword))
    if (union !== undefined) {
      return yield* refuse(
        `tools.${at}.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level`
      )
    }
    if (!Object.keys(custom.input_schema.properties ?? {}).every((key) => propertyKey.test(key))) {
      return yield* refuse(
        `tools.${at}.custom.input_schema.properties: Property keys should match pattern '${propertyKey.source}'`
      )
    }
    customs.push(custom)
  }
  const names = tools.map(({ name }) => name).filter(Predicate.isString)
  if (new Set(names).size < names.length) return yield* refuse("tools: Tool names must be unique.")
  if (choice && tools.length === 0) {
    return yield* refuse(`tool_choice.${choice.type} may only be specified while providing tools`)
  }
  if (choice?.type === "tool" && !names.includes(choice.name)) {
    return yield* refuse(`Tool '${choice.name}' not found in provided tools`)
  }
  return customs
})
