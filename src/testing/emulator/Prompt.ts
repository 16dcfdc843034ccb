/**
 * The text of a request: what the answer draws on, and what its input tokens are counted from.
 */
import * as Predicate from "effect/Predicate"
import * as Tokens from "./Tokens.ts"

/** The fields of a request that hold a prompt. */
export interface Fields {
  readonly system?: Content
  readonly messages: ReadonlyArray<{ readonly role: string; readonly content: Content }>
  readonly tools?: unknown
  readonly output_config?: unknown
}

/** A string, or blocks of text, documents, images, tool calls and their results. */
export type Content = string | ReadonlyArray<unknown>

/** Instructions apart from what the user said; earlier turns of the user count, those of the assistant do not. */
export interface Prompt {
  readonly system: string
  readonly message: string
}

/** The readable text of a request. */
export const read = ({ messages, system = "" }: Fields): Prompt => ({
  system: join([system, ...messages.filter(({ role }) => role === "system").map(({ content }) => content)]),
  message: join(messages.filter(({ role }) => role === "user").map(({ content }) => content))
})

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

/** What a message counts beside its text. */
const tokensOfTurn = 4

/** An estimate of the input tokens of a request: `count_tokens` answers it and every answer is billed for it. */
export const countTokens = ({ messages, output_config, system = "", tools }: Fields): number => {
  let total = tokensOf(system)
  for (const { content } of messages) total += tokensOfTurn + tokensOf(content)
  for (const extra of [tools, output_config]) if (extra !== undefined) total += Tokens.count(JSON.stringify(extra))
  return total
}

const tokensOf = (content: unknown): number => {
  if (Array.isArray(content)) return content.reduce<number>((sum, block) => sum + tokensOf(block), 0)
  const text = textOf(content)
  if (text !== "" || !Predicate.isObject(content)) return Tokens.count(text)
  return Predicate.isObject(content["source"]) ? tokensOfFile : Tokens.count(JSON.stringify(content))
}
