/**
 * The text of a request. The answer quotes it, and the input tokens are counted from it.
 */
import * as Predicate from "effect/Predicate"
import * as Tokens from "./Tokens.ts"

/** The fields of a request that make up its prompt. */
export interface Fields {
  readonly model?: string
  readonly system?: Content
  readonly messages: ReadonlyArray<{ readonly role: string; readonly content: Content }>
  readonly tools?: ReadonlyArray<{ readonly [field: string]: unknown }>
  readonly tool_choice?: unknown
  readonly thinking?: unknown
  readonly output_config?: Output | null
  /** The older name of `output_config.format`. */
  readonly output_format?: Format | null
  readonly cache_control?: unknown
}

interface Output {
  readonly format?: Format | null
}

interface Format {
  readonly schema: unknown
}

/** A string, or blocks of text, documents, images, tool calls and their results. */
export type Content = string | ReadonlyArray<unknown>

/** The instructions, and the text of the user apart from them. Turns of the assistant are left out. */
export interface Prompt {
  readonly system: string
  readonly earlier: string
  /** The last turn, and which side sent it: a turn of the assistant is continued. */
  readonly last: { readonly by: "user" | "tools" | "assistant"; readonly text: string }
}

/** The readable text of a request. */
export const read = ({ messages, system = "" }: Fields): Prompt => {
  const split = messages.findLastIndex(({ role }) => role === "assistant") + 1
  const sent = messages.slice(split).filter(({ role }) => role === "user")
  const byTools = sent.some(({ content }) => typeof content !== "string" && content.some(isToolResult))
  return {
    system: join([system, ...messages.filter(({ role }) => role === "system").map(({ content }) => content)]),
    earlier: join(
      messages
        .slice(0, split)
        .filter(({ role }) => role === "user")
        .map(({ content }) => content)
    ),
    last: {
      by: sent.length === 0 ? "assistant" : byTools ? "tools" : "user",
      text: join(sent.map(({ content }) => content))
    }
  }
}

/** The text of the user and of the tools. */
export const message = ({ earlier, last }: Prompt): string => join([earlier, last.text])

const isToolResult = (block: unknown) => Predicate.isObject(block) && block["type"] === "tool_result"

const join = (contents: ReadonlyArray<unknown>): string =>
  contents
    .map(textOf)
    .filter((text) => text !== "")
    .join("\n\n")

/** The text of a block, of a document, or of the result of a tool. */
const textOf = (content: unknown): string => {
  if (typeof content === "string") return content
  if (Array.isArray(content)) return join(content)
  if (!Predicate.isObject(content)) return ""
  if (typeof content["text"] === "string") return content["text"]
  const source = content["source"]
  if (Predicate.isObject(source)) return textOf(source["type"] === "text" ? source["data"] : source["content"])
  return textOf(content["content"])
}

/** The tokens of an image, or of a document without text, at any size. */
const tokensOfFile = 1600

/** An estimate of the tokens of a block. */
export const tokensOf = (block: unknown): number => {
  const text = textOf(block)
  if (text !== "" || !Predicate.isObject(block)) return Tokens.count(text)
  if (Predicate.isObject(block["source"])) return tokensOfFile
  const { cache_control: _, ...bare } = block
  return block["type"] === "text" ? 0 : Tokens.count(JSON.stringify(bare))
}
