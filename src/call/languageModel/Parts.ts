/**
 * Turns the blocks of an answer into response parts. What the API needs back is in the metadata, which `Chat` keeps. A block
 * that effect/ai has no part for becomes an empty text with the block in its metadata, so that it comes back too.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as AiError from "effect/ai/AiError"
import type * as Response from "effect/ai/Response"
import type { ToolFormat, ToolFormats } from "../../claude/ToolFormat.ts"
import * as ProviderOptions from "./ProviderOptions.ts"

/** A part that is the same in a whole response and in a stream. */
export type Part =
  | Response.ToolCallPartEncoded
  | Response.ToolResultPartEncoded
  | Response.DocumentSourcePartEncoded
  | Response.UrlSourcePartEncoded

/** The tools of a call. */
export interface Tools {
  readonly names: ReadonlyArray<string>
  readonly formats: ToolFormats
  /** Whether a call of an unknown tool is a part too. */
  readonly acceptsUnknown: boolean
}

/** Reads the blocks of one response, in order. */
export interface Reader {
  /** The tool of a call, as the toolkit names it; undefined for a tool outside of the toolkit. */
  readonly toolOf: (block: { readonly name: string }) => ToolFormat | undefined
  /** The parts of a block that is neither text nor thinking; undefined where effect/ai has no part for it. */
  readonly other: (
    block: Anthropic.ContentBlock
  ) => Effect.Effect<ReadonlyArray<Part>, AiError.AiErrorReason> | undefined
  /** The cited sources that no earlier part named. */
  readonly sources: (citations: ReadonlyArray<Anthropic.TextCitation> | null | undefined) => ReadonlyArray<Part>
}

/** A reader for one response. */
export const reader = (tools: Tools): Reader => {
  /** The tools that the API runs, by the id of their call. */
  const called = new Map<string, ToolFormat>()
  const named = new Set<string>()
  const toolOf = ({ name }: { readonly name: string }) =>
    tools.formats.find(name) ?? (name.endsWith("_code_execution") ? tools.formats.find("code_execution") : undefined)

  const once = (parts: ReadonlyArray<Response.DocumentSourcePartEncoded | Response.UrlSourcePartEncoded>) =>
    parts.filter(({ id }) => !named.has(id) && named.add(id))

  const call = (block: Anthropic.ToolUseBlock): Effect.Effect<ReadonlyArray<Part>, AiError.AiErrorReason> => {
    const format = toolOf(block)
    if (format === undefined && !tools.acceptsUnknown) {
      return Effect.fail(new AiError.ToolNotFoundError({ toolName: block.name, availableTools: [...tools.names] }))
    }
    return Effect.map(paramsOf(block.input, format), (params) => [toolCall(block, format, params)])
  }
  const serverCall = (block: ServerCall) => {
    const format = toolOf(block)
    if (format === undefined) return undefined
    called.set(block.id, format)
    const { id, input: params } = block
    const metadata = { anthropic: { block: ProviderOptions.raw(block) } }
    return succeed([{ type: "tool-call", id, name: format.tool.name, params, providerExecuted: true, metadata }])
  }
  const serverResult = (block: ServerResult) => {
    const sources = once(searched(block.content))
    const format = called.get(block.tool_use_id) ?? toolOf({ name: block.type.replace(/_tool_result$/, "") })
    if (format === undefined) return undefined
    return succeed([
      {
        type: "tool-result",
        id: block.tool_use_id,
        name: format.tool.name,
        result: block.content,
        isFailure: isError(block.content),
        providerExecuted: true,
        metadata: { anthropic: { block: ProviderOptions.raw(block) } }
      },
      ...sources
    ])
  }
  return {
    toolOf,
    other: (block) => {
      if (block.type === "tool_use") return call(block)
      if (isServerCall(block)) return serverCall(block)
      return isServerResult(block) ? serverResult(block) : undefined
    },
    sources: (citations) => once((citations ?? []).flatMap(cited))
  }
}

/** The metadata of a text with citations, or of a block without a part. */
export const textMetadata = (block: Anthropic.ContentBlock): { readonly metadata?: Response.TextPartMetadata } => {
  if (block.type !== "text") return { metadata: { anthropic: { block: ProviderOptions.raw(block) } } }
  const citations = block.citations ?? []
  return citations.length === 0 ? {} : { metadata: { anthropic: { citations: citations.map(ProviderOptions.raw) } } }
}

/** The metadata of thinking. The API refuses its own thinking without the signature, and so do its other models. */
export const reasoningMetadata = (
  block: Anthropic.ThinkingBlock | Anthropic.RedactedThinkingBlock,
  model: string
): Response.ReasoningPartMetadata => ({
  anthropic: { ...(block.type === "thinking" ? { signature: block.signature } : { redactedData: block.data }), model }
})

const succeed = (parts: ReadonlyArray<Part>) => Effect.succeed(parts)

/**
 * The parameters that the toolkit decodes. Arguments that do not fit are left as they are: the toolkit then reports them as
 * it does for every provider.
 */
const paramsOf = (input: unknown, format: ToolFormat | undefined): Effect.Effect<unknown> => {
  if (format === undefined) return Effect.succeed(input)
  // The services that a tool's schema needs are in the context of a call with its toolkit.
  const encoded = format.toEncoded(input) as Effect.Effect<unknown, unknown>
  return Effect.orElseSucceed(encoded, () => input)
}

const toolCall = (
  { caller, id, input, name, toolset_name: toolsetName }: Anthropic.ToolUseBlock,
  format: ToolFormat | undefined,
  params: unknown
): Response.ToolCallPartEncoded => {
  const toolName = format?.tool.name ?? name
  // Also where only the order of the keys differs: the prompt cache compares texts.
  const isChanged = JSON.stringify(params) !== JSON.stringify(input)
  const anthropic = {
    ...(name !== toolName && { name }),
    ...(isChanged && { input: json(input) }),
    ...(Predicate.isObject(caller) && { caller: ProviderOptions.raw(caller) }),
    ...(toolsetName && { toolsetName })
  }
  const isBare = Object.keys(anthropic).length === 0
  return { type: "tool-call", id, name: toolName, params, ...(!isBare && { metadata: { anthropic } }) }
}

/** The arguments came from JSON. */
const json = (value: unknown) => value as NonNullable<ProviderOptions.ToolCallOptions["input"]>

interface ServerCall {
  readonly type: string
  readonly id: string
  readonly name: string
  readonly input: unknown
}

interface ServerResult {
  readonly type: string
  readonly tool_use_id: string
  readonly content: unknown
}

const isServerCall = (block: object & { readonly type: string }): block is ServerCall =>
  (block.type === "server_tool_use" || block.type === "mcp_tool_use") && "id" in block && "name" in block

const isServerResult = (block: object & { readonly type: string }): block is ServerResult =>
  block.type.endsWith("_tool_result") && "tool_use_id" in block

const isError = (content: unknown): boolean =>
  Predicate.hasProperty(content, "type") && String(content.type).endsWith("_error")

/** The pages that a search found. effect/ai accepts only URLs that parse. */
const searched = (content: unknown): ReadonlyArray<Response.UrlSourcePartEncoded> =>
  Array.isArray(content) ? content.flatMap((result: Partial<Anthropic.WebSearchResultBlock>) => page(result)) : []

const page = ({ title, url }: { readonly url?: string; readonly title?: string | null }) =>
  Predicate.isString(url) && URL.canParse(url)
    ? [{ type: "source" as const, sourceType: "url" as const, id: url, url, title: title ?? url }]
    : []

const cited = (
  citation: Anthropic.TextCitation
): ReadonlyArray<Response.DocumentSourcePartEncoded | Response.UrlSourcePartEncoded> => {
  if (citation.type === "web_search_result_location") return page(citation)
  if (citation.type === "search_result_location") return page({ url: citation.source, title: citation.title })
  const { document_index: index, document_title: title } = citation
  return [
    {
      type: "source",
      sourceType: "document",
      id: `document-${index}`,
      mediaType: citation.type === "page_location" ? "application/pdf" : "text/plain",
      title: title ?? `document ${index + 1}`
    }
  ]
}
