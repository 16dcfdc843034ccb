/**
 * Translates a `Tool` of effect/ai to a tool of the API: the definition to send, and a decoder for the arguments. The
 * model sees the schema of the codec, in the API's subset where it fits. `Tool.dynamic` sends its JSON Schema, with another
 * root where the API refuses the root.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Tool from "effect/ai/Tool"
import { ClaudeError, Unsupported } from "./ClaudeError.ts"
import * as Nesting from "./Nesting.ts"
import * as OutputFormat from "./OutputFormat.ts"
import * as CodecSchema from "./toolFormat/CodecSchema.ts"
import * as RootSchema from "./toolFormat/RootSchema.ts"

/** An entry of `tools` of a request. */
export type Definition = Anthropic.Beta.Messages.BetaToolUnion

/** A tool as the API has it. */
export interface ToolFormat {
  readonly tool: Tool.Any
  /** The name that Claude calls. It differs from the tool's name where the API does not accept that name. */
  readonly name: string
  readonly definition: Definition
  /** Whether the API runs the tool. The program then gets no call of it. */
  readonly isServerTool: boolean
  /** Decodes the arguments of a call. They become a value of the tool's `parametersSchema`. */
  readonly decode: (input: unknown) => Effect.Effect<unknown, Schema.SchemaError, unknown>
  /** Decodes the arguments, and encodes them with `parametersSchema`, which `Toolkit.handle` expects. */
  readonly toEncoded: (input: unknown) => Effect.Effect<unknown, Schema.SchemaError, unknown>
}

/** The tools of a toolkit. */
export interface ToolFormats {
  /** The field `tools` of a request. */
  readonly definitions: ReadonlyArray<Definition>
  /** Finds a tool by the name that Claude calls. */
  readonly find: (name: string) => ToolFormat | undefined
}

/** Translates the tools of a toolkit. Fails with `Unsupported` if the API cannot take one; the error names its path. */
export const all = (tools: Readonly<Record<string, Tool.Any>>): Result.Result<ToolFormats, ClaudeError> =>
  Result.gen(function* () {
    const byName = new Map<string, ToolFormat>()
    const numbers = new Map<string, number>()
    for (const tool of Object.values(tools)) {
      const format = yield* make(tool)
      const name = free(format.name, byName, numbers)
      byName.set(name, name === format.name ? format : renamed(format, name))
    }
    return { definitions: [...byName.values()].map(({ definition }) => definition), find: (name) => byName.get(name) }
  })

/** Each tool is translated once. */
const made = new WeakMap<Tool.Any, Result.Result<ToolFormat, ClaudeError>>()

/** Translates a tool. */
export const make = (tool: Tool.Any): Result.Result<ToolFormat, ClaudeError> => {
  const known = made.get(tool)
  if (known !== undefined) return known
  const format = Tool.isProviderDefined(tool) ? providerDefined(tool) : custom(tool)
  made.set(tool, format)
  return format
}

const custom = (tool: Tool.Any): Result.Result<ToolFormat, ClaudeError> => {
  const name = acceptedName(tool.name)
  const strict = Tool.getStrictMode(tool)
  return Result.flatMap(parametersOf(tool, strict === true), (parameters) => {
    const root = sent(parameters.schema)
    if (Result.isFailure(root)) {
      return refused(`the parameters of the tool ${tool.name} ${root.failure}`, "leave the tool out")
    }
    const { restore, schema } = root.success
    const read: Read = (input) => parameters.read(restore(input))
    const description = Tool.getDescription(tool)
    return Result.succeed({
      tool,
      name,
      definition: {
        name,
        ...(description !== undefined && { description }),
        // A tool takes any JSON Schema of an object; the SDK's type names a part of it.
        input_schema: schema as Anthropic.Beta.Messages.BetaTool.InputSchema,
        ...(strict !== undefined && { strict })
      },
      isServerTool: false,
      ...decoding(tool, read)
    })
  })
}

/** The schema to send. JSON of a server may be nested too deep for a program that reads it by recursion. */
const sent = (schema: object): Result.Result<RootSchema.RootSchema, string> =>
  Result.try({
    try: () => {
      const root = RootSchema.make(schema)
      JSON.stringify(root.schema)
      return root
    },
    catch: () => "are no JSON, or are nested too deep"
  })

/** A tool of Anthropic: `id` is `anthropic.` and the type, `providerName` the name, and the arguments are the API's. */
const providerDefined = (tool: Tool.AnyProviderDefined): Result.Result<ToolFormat, ClaudeError> => {
  const { args, id, providerName: name, requiresHandler } = tool
  const prefix = "anthropic."
  if (!id.startsWith(prefix)) return refused(`the tool ${tool.name} is one of another provider (${id})`)
  const fields = Predicate.isObject(args) ? args : {}
  const { failureMode: _, ...settings } = { failureMode: undefined, ...fields }
  return Result.succeed({
    tool,
    name,
    // The tool's author declares the settings of its type.
    definition: { ...settings, type: id.slice(prefix.length), name } as Definition,
    isServerTool: !requiresHandler,
    ...decoding(tool, plain(tool.parametersSchema))
  })
}

type Read = ToolFormat["decode"]

interface Parameters {
  readonly schema: object
  readonly read: Read
}

/** The schema to send, and its decoder. */
const parametersOf = (tool: Tool.Any, isStrict: boolean): Result.Result<Parameters, ClaudeError> => {
  if (Tool.isDynamic(tool) && tool.jsonSchema !== undefined) {
    return Result.succeed({ schema: tool.jsonSchema, read: Effect.succeed })
  }
  const { parametersSchema } = tool
  // A model may send an argument to a tool without any. It is ignored, as an excess key of a struct is.
  if (CodecSchema.isEmpty(parametersSchema)) {
    const read = plain(parametersSchema)
    return Result.succeed({ schema: nothing, read: () => read({}) })
  }
  const format = OutputFormat.makeNative(parametersSchema)
  if (Result.isSuccess(format)) return Result.succeed({ schema: format.success.schema, read: format.success.read })
  // Only strict tools and output formats are limited to the API's subset.
  const whole = isStrict ? Result.fail(undefined) : CodecSchema.make(parametersSchema)
  if (Result.isSuccess(whole)) return Result.succeed({ schema: whole.success, read: plain(parametersSchema) })
  const { detail, remedy } = format.failure
  return refused(`the parameters of the tool ${tool.name}: ${detail}`, remedy)
}

const plain = (schema: Schema.Top): Read => {
  const decode = Schema.decodeUnknownEffect(Schema.toCodecJson(schema))
  return (input) => Nesting.limited(Effect.suspend(() => decode(input)))
}

const decoding = (tool: Tool.Any, decode: Read): Pick<ToolFormat, "decode" | "toEncoded"> => {
  if (Tool.isDynamic(tool) && tool.jsonSchema !== undefined) return { decode, toEncoded: decode }
  const encode = Schema.encodeUnknownEffect(tool.parametersSchema)
  return { decode, toEncoded: (input) => Effect.flatMap(decode(input), (params) => Nesting.limited(encode(params))) }
}

const refused = (detail: string, remedy?: string) =>
  Result.fail(new ClaudeError({ reason: new Unsupported({ detail, ...(remedy !== undefined && { remedy }) }) }))

const nothing = { type: "object", properties: {}, required: [], additionalProperties: false }

const longest = 64

/** A name that the API accepts: letters, digits, `_` and `-`, and at most 64 of them on every platform. */
export const acceptedName = (name: string): string => name.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, longest) || "tool"

/** `numbers` are the last numbers of the names that were taken. */
const free = (name: string, taken: ReadonlyMap<string, unknown>, numbers: Map<string, number>): string => {
  let candidate = name
  for (let number = numbers.get(name) ?? 2; taken.has(candidate); number++) {
    const suffix = `_${number}`
    candidate = name.slice(0, longest - suffix.length) + suffix
    numbers.set(name, number + 1)
  }
  return candidate
}

// Every definition but a toolset of MCP has a name, and that one cannot be in a toolkit.
const renamed = (format: ToolFormat, name: string): ToolFormat => ({
  ...format,
  name,
  definition: { ...format.definition, name } as Definition
})
