/**
 * The request of a call of effect/ai: prompt, tools, tool choice and settings together.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as AiError from "effect/ai/AiError"
import type * as LanguageModel from "effect/ai/LanguageModel"
import type * as Prompt from "effect/ai/Prompt"
import * as Thinking from "../../claude/Thinking.ts"
import { resolve, type Request } from "../../claude/Request.ts"
import * as ToolFormat from "../../claude/ToolFormat.ts"
import * as Blocks from "./Blocks.ts"
import * as Messages from "./Messages.ts"
import type * as Parts from "./Parts.ts"
import * as Settings from "./Settings.ts"
import * as ToolChoice from "./ToolChoice.ts"

/** A request, and the tools that read its answer. */
export interface Asked {
  readonly request: Request
  readonly tools: Parts.Tools
}

/** Builds the request of a call. Fails, before a call, with what the API would refuse and an explanation. */
export const make = Effect.fnUntraced(function* (options: LanguageModel.ProviderOptions, layer: Settings.Settings) {
  const byName = Object.fromEntries(options.tools.map((tool) => [tool.name, tool]))
  const formats = yield* Effect.fromResult(ToolFormat.all(byName))
  const names = options.tools.map(({ name }) => name)
  const nameOf = namesOf(formats)
  const settings = Settings.of(layer, yield* Settings.Settings, options.prompt)
  const resolved = yield* resolve({ ...settings, messages: [] })
  const reading = { nameOf, model: resolved.model }
  const { called, messages, system } = yield* Effect.fromResult(
    Result.mapError(
      Messages.make(options.prompt, reading),
      (description) => new AiError.InvalidUserInputError({ description })
    )
  )
  const tools = [...formats.definitions, ...(settings.tools ?? [])]
  const request = {
    ...resolved,
    ...(hasForeign(options.prompt, resolved.model) && Thinking.off(resolved)),
    messages: [...messages],
    ...(system.length > 0 && { system: [...system] }),
    ...(yield* toolFields(tools, called, options, reading))
  }
  const acceptsUnknown = options.toolCallValidation === "deferred"
  return { request, tools: { formats, names, acceptsUnknown } } satisfies Asked
})

const hasForeign = ({ content }: Prompt.Prompt, model: string): boolean =>
  content.some(
    (message) => message.role === "assistant" && message.content.some((part) => Blocks.isForeign(part, model))
  )

type Tools = ReadonlyArray<NonNullable<Request["tools"]>[number]>

/** The API refuses calls in a conversation without tools, so tools of earlier calls are named, and none may be called. */
const toolFields = Effect.fnUntraced(function* (
  tools: Tools,
  called: ReadonlySet<string>,
  { toolChoice, tools: toolkit }: LanguageModel.ProviderOptions,
  { model, nameOf }: Blocks.Reading
): Effect.fn.Return<Partial<Pick<Request, "tools" | "tool_choice">>, AiError.AiErrorReason> {
  if (tools.length === 0) {
    if (called.size === 0) return {}
    const earlier = [...called].map((name) => ({ name, input_schema: { type: "object" as const } }))
    return { tools: earlier, tool_choice: { type: "none" } }
  }
  // Without a toolkit, effect/ai chooses "none"; the settings may have tools.
  const choice = toolkit.length === 0 ? undefined : yield* Effect.fromResult(ToolChoice.make(toolChoice, model, nameOf))
  return { tools: [...tools], ...(choice !== undefined && { tool_choice: choice }) }
})

/** The name that Claude calls, by the name in the toolkit. A history may call tools that the toolkit does not have. */
const namesOf = ({ definitions, find }: ToolFormat.ToolFormats) => {
  const names = new Map<string, string>()
  for (const definition of definitions) {
    const format = "name" in definition ? find(definition.name) : undefined
    if (format !== undefined) names.set(format.tool.name, format.name)
  }
  return (tool: string) => names.get(tool) ?? ToolFormat.acceptedName(tool)
}
