/**
 * The parts of a request that become input tokens, added up by a measure.
 */
import * as Predicate from "effect/Predicate"
import * as ImageSize from "../ImageSize.ts"
import type { Request } from "../Request.ts"

/** How the parts are counted. */
export interface Measure {
  readonly text: (text: string) => number
  /** A value that the API writes into the prompt as JSON. */
  readonly json: (value: unknown) => number
  /** An image; without its size if the request has only its address. */
  readonly image: (size: ImageSize.ImageSize | undefined) => number
  /** A PDF with this many bytes; `undefined` if the request has only its address. */
  readonly pdf: (bytes: number | undefined) => number
  /** Encrypted reasoning, as this many characters of Base64. */
  readonly encrypted: (characters: number) => number
  readonly tool: (tool: Fields) => number
  /** A document with citations, beyond the tokens of its body. */
  readonly citations: (body: number) => number
  /** A message, a block, and a tool call or its result, beyond their content. */
  readonly message: number
  readonly block: number
  readonly toolCall: number
  /** What the API adds to every prompt, to one with tools, with a budget for thinking, and with a schema. */
  readonly prompt: number
  readonly tools: number
  readonly thinking: number
  readonly schema: number
  /** A conversation that the API keeps (the beta of threads). */
  readonly thread: number
}

/** A part of a request, whose fields the API has not checked yet. */
export type Fields = { readonly [name: string]: unknown }

/** The tokens of a request. */
export const of = (request: Request, measure: Measure): number => {
  const { messages, output_config: output, output_format, system, thinking, thread, tools } = request
  let tokens = measure.prompt + contentOf(system, measure)
  for (const { content } of messages) tokens += measure.message + contentOf(content, measure)
  if (tools !== undefined && tools.length > 0) {
    tokens += measure.tools
    for (const tool of tools) tokens += measure.tool({ ...tool })
  }
  const format = output?.format ?? output_format
  if (format !== undefined && format !== null) tokens += measure.schema + measure.json(format.schema)
  if (thinking?.type === "enabled") tokens += measure.thinking
  if (thread?.type === "continue") tokens += measure.thread
  return tokens
}

const contentOf = (content: unknown, measure: Measure): number => {
  if (Predicate.isString(content)) return measure.text(content)
  if (!Array.isArray(content)) return Predicate.isObject(content) ? measure.json(content) : 0
  let tokens = 0
  for (const block of content) {
    tokens += measure.block + (Predicate.isObject(block) ? blockOf(block, measure) : measure.json(block))
  }
  return tokens
}

const blockOf = (block: Fields, measure: Measure): number => {
  switch (block["type"]) {
    case "text":
      return measure.text(textOf(block["text"]))
    case "image":
      return measure.image(sizeOf(block["source"]))
    case "document":
      return documentOf(block, measure)
    case "thinking": {
      const text = textOf(block["thinking"])
      return text === "" ? measure.encrypted(textOf(block["signature"]).length) : measure.text(text)
    }
    case "redacted_thinking":
      return measure.encrypted(textOf(block["data"]).length)
    case "tool_use":
      return measure.toolCall + measure.text(textOf(block["name"])) + measure.json(block["input"])
    case "tool_result":
      return measure.toolCall + contentOf(block["content"], measure)
    case "search_result": {
      const { content, source, title } = block
      return measure.text(textOf(title)) + measure.text(textOf(source)) + contentOf(content, measure)
    }
    default:
      return measure.json(block)
  }
}

const documentOf = (block: Fields, measure: Measure): number => {
  const { citations, context, source, title } = block
  const body = Predicate.isObject(source) ? sourceOf(source, measure) : 0
  const cited = Predicate.isObject(citations) && citations["enabled"] === true ? measure.citations(body) : 0
  return measure.text(textOf(title)) + measure.text(textOf(context)) + body + cited
}

const sourceOf = (source: Fields, measure: Measure): number => {
  if (source["type"] === "text") return measure.text(textOf(source["data"]))
  if (source["type"] === "content") return contentOf(source["content"], measure)
  return measure.pdf(source["type"] === "base64" ? (textOf(source["data"]).length * 3) / 4 : undefined)
}

const sizeOf = (source: unknown): ImageSize.ImageSize | undefined =>
  Predicate.isObject(source) && source["type"] === "base64" ? ImageSize.of(textOf(source["data"])) : undefined

/** The text of a field; empty if it is none. */
export const textOf = (value: unknown): string => (Predicate.isString(value) ? value : "")
