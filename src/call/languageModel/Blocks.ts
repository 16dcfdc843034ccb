/**
 * Turns the parts of a prompt into blocks of the API. A block that the API sent comes back unchanged. A part that means
 * nothing to the API, such as the reasoning of another provider, becomes no block. Pure.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type * as Prompt from "effect/ai/Prompt"
import * as Models from "../../claude/Models.ts"
import * as ToolResult from "../../claude/ToolResult.ts"
import * as FileBlock from "./FileBlock.ts"
import * as ProviderOptions from "./ProviderOptions.ts"

/** A block of a message. */
export type Block = Anthropic.ContentBlockParam

/** The blocks of a user message. */
export const ofUser = (message: Prompt.UserMessage): Result.Result<ReadonlyArray<Block>, string> =>
  Result.map(
    Result.all(message.content.map((part) => (part.type === "file" ? file(part) : Result.succeed(text(part))))),
    (blocks) => marked(blocks.flat(), message.options)
  )

/** The text blocks of a system message. */
export const ofSystem = ({ content, options }: Prompt.SystemMessage): ReadonlyArray<Anthropic.TextBlockParam> =>
  isBlank(content) ? [] : marked([{ type: "text", text: content }], options)

/** What the blocks of an answer depend on: the name of a tool that Claude calls, and the model that reads them. */
export interface Reading {
  readonly nameOf: (tool: string) => string
  readonly model: string
}

/** Whether thinking is another model's. A model refuses or ignores the thinking of others, so it is left out. */
export const isForeign = (part: Prompt.AssistantMessagePart, model: string): boolean => {
  const { model: author } = part.type === "reasoning" ? ProviderOptions.of(part.options) : {}
  return author ? !Models.isSame(model, author) : false
}

/** The blocks of an assistant message. */
export const ofAssistant = (message: Prompt.AssistantMessage, reading: Reading): ReadonlyArray<Block> => {
  const blocks = message.content.flatMap((part): ReadonlyArray<Block> => {
    switch (part.type) {
      case "text":
        return text(part)
      case "reasoning":
        return reasoning(part, reading)
      case "tool-call":
        return call(part, reading)
      case "tool-result":
        return given(part)
      // The API takes no files from an assistant.
      case "file":
        return [{ type: "text", text: `[${part.mediaType} ${part.fileName ?? "file"}]` }]
      case "tool-approval-request":
        return []
    }
  })
  return marked(blocks, message.options)
}

/** The result of a tool that the program ran. */
export const ofResult = (part: Prompt.ToolResultPart): Anthropic.ToolResultBlockParam =>
  cached(
    {
      type: "tool_result",
      tool_use_id: part.id,
      content: ToolResult.content({ encodedResult: part.result, modelOutput: part.modelOutput }),
      ...(part.isFailure && { is_error: true })
    },
    part.options
  )

/** Adds the breakpoint of a message to its last block, unless that block has one. Thinking cannot have one. */
export const marked = <B extends { readonly type: string }>(
  blocks: ReadonlyArray<B>,
  options: { readonly anthropic?: ProviderOptions.CacheOptions | null }
): ReadonlyArray<B> => {
  const { cacheControl } = ProviderOptions.of(options)
  const last = blocks.findLastIndex(({ type }) => type !== "thinking" && type !== "redacted_thinking")
  if (!cacheControl || last === -1) return blocks
  return blocks.map((block, at) => (at === last ? { cache_control: cacheControl, ...block } : block))
}

const cached = <B extends object>(
  block: B,
  options: { readonly anthropic?: ProviderOptions.CacheOptions | null }
): B => {
  const { cacheControl } = ProviderOptions.of(options)
  return cacheControl ? { ...block, cache_control: cacheControl } : block
}

/** The API refuses empty text, and text of white space only. */
const isBlank = (text: string) => !/\S/.test(text)

const text = (part: Prompt.TextPart): ReadonlyArray<Block> => {
  const { block, citations } = ProviderOptions.of(part.options)
  if (block) return given(part)
  if (isBlank(part.text)) return []
  const whole = { type: "text", text: part.text, ...(citations && citations.length > 0 && { citations }) }
  return [cached(sent(whole), part.options)]
}

const file = (part: Prompt.FilePart): Result.Result<ReadonlyArray<Block>, string> =>
  Result.map(FileBlock.make(part), (block) => [cached(block, part.options)])

const reasoning = (part: Prompt.ReasoningPart, { model }: Reading): ReadonlyArray<Block> => {
  const { redactedData, signature } = ProviderOptions.of(part.options)
  if (isForeign(part, model)) return []
  if (redactedData) return [{ type: "redacted_thinking", data: redactedData }]
  return signature ? [{ type: "thinking", thinking: part.text, signature }] : []
}

const call = (part: Prompt.ToolCallPart, { nameOf }: Reading): ReadonlyArray<Block> => {
  if (part.providerExecuted) return given(part)
  const { caller, input, name, toolsetName } = ProviderOptions.of(part.options)
  const block = {
    type: "tool_use",
    id: part.id,
    name: name ?? nameOf(part.name),
    input: input ?? argumentsOf(part.params),
    ...(caller && { caller }),
    ...(toolsetName && { toolset_name: toolsetName })
  }
  return [cached(sent(block), part.options)]
}

/** The API takes an object only. */
const argumentsOf = (params: unknown): object =>
  Predicate.isObject(params) ? params : Predicate.isNullish(params) ? {} : { value: params }

/** The block that the API sent, for tools that it ran and for blocks without a part; none from other providers. */
const given = (part: Prompt.TextPart | Prompt.ToolCallPart | Prompt.ToolResultPart): ReadonlyArray<Block> => {
  const options: { readonly anthropic?: ProviderOptions.TextOptions | null } = part.options
  const { block } = ProviderOptions.of(options)
  return block ? [cached(sent(block), options)] : []
}

/** The API accepts what it sent; only the SDK's types for the two differ. */
const sent = (block: object): Block => block as Block
