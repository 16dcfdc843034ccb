/**
 * The text of a request: what the answer draws on, and what its input tokens are counted from.
 */
import * as Predicate from "effect/Predicate"
import * as Tokens from "./Tokens.ts"

/** The fields of a request that hold a prompt, or change what it is. */
export interface Fields {
  readonly system?: Content
  readonly messages: ReadonlyArray<{ readonly role: string; readonly content: Content }>
  readonly tools?: ReadonlyArray<{ readonly [field: string]: unknown }>
  readonly tool_choice?: unknown
  readonly thinking?: unknown
  readonly output_config?: unknown
  readonly cache_control?: unknown
}

/** A string, or blocks of text, documents, images, tool calls and their results. */
export type Content = string | ReadonlyArray<unknown>

/** Instructions apart from what the user said; earlier turns of the user count, those of the assistant do not. */
export interface Prompt {
  readonly system: string
  readonly earlier: string
  /** What was said last, and by whom: a turn of the assistant is to be continued. */
  readonly last: { readonly by: "user" | "tools" | "assistant"; readonly text: string }
}

/** The readable text of a request. */
export const read = ({ messages, system = "" }: Fields): Prompt => {
  const split = messages.findLastIndex(({ role }) => role === "assistant") + 1
  const said = messages.slice(split).filter(({ role }) => role === "user")
  const byTools = said.some(({ content }) => typeof content !== "string" && content.some(isToolResult))
  return {
    system: join([system, ...messages.filter(({ role }) => role === "system").map(({ content }) => content)]),
    earlier: join(
      messages
        .slice(0, split)
        .filter(({ role }) => role === "user")
        .map(({ content }) => content)
    ),
    last: {
      by: said.length === 0 ? "assistant" : byTools ? "tools" : "user",
      text: join(said.map(({ content }) => content))
    }
  }
}

/** All that the user and the tools said. */
export const message = ({ earlier, last }: Prompt): string => join([earlier, last.text])

const isToolResult = (block: unknown) => Predicate.isObject(block) && block["type"] === "tool_result"

const join = (contents: ReadonlyArray<unknown>): string =>
  contents
    .map(textOf)
    .filter((text) => text !== "")
    .join("\n\n")

/** Of a block: its text, the text of a document, or what a tool returned. */
const textOf = (content: unknown): string => {
  if (typeof content === "string") return content
  if (Array.isArray(content)) return join(content)
  if (!Predicate.isObject(content)) return ""
  if (typeof content["text"] === "string") return content["text"]
  const source = content["source"]
  if (Predicate.isObject(source)) return textOf(source["type"] === "text" ? source["data"] : source["content"])
  return textOf(content["content"])
}

/** What an image or a document without text counts, whatever its size. */
const tokensOfFile = 1600

/** An estimate of the tokens of a block. */
export const tokensOf = (block: unknown): number => {
  const text = textOf(block)
  if (text !== "" || !Predicate.isObject(block)) return Tokens.count(text)
  if (Predicate.isObject(block["source"])) return tokensOfFile
  const { cache_control: _, ...bare } = block
  return block["type"] === "text" ? 0 : Tokens.count(JSON.stringify(bare))
}
