/**
 * The blocks of an answer in tokens: as a message holds them, as a stream starts them, and the deltas in between. Blocks
 * that the API sends without deltas count no tokens.
 */
import * as Predicate from "effect/Predicate"
import * as Tokens from "../request/Tokens.ts"

/** A block of a message, or a part of one, as the wire has it. */
export interface Content {
  readonly type: string
  readonly [field: string]: unknown
}

/** What a stream adds to a block, and how many tokens that is. */
export interface Delta {
  readonly delta: Content
  readonly tokens: number
}

/** A block: in a message, at its start in a stream, and piece by piece. */
export interface Block {
  readonly whole: Content
  readonly start: Content
  readonly deltas: ReadonlyArray<Delta>
}

/** The blocks that fit into `most` tokens; the last one may be cut in the middle. */
export const cut = (
  contents: ReadonlyArray<Content>,
  most: number
): { readonly blocks: ReadonlyArray<Block>; readonly isCut: boolean } => {
  const blocks: Array<Block> = []
  let left = most
  for (const content of contents) {
    if (left <= 0) return { blocks, isCut: true }
    const { isCut, ...block } = spell(content, left)
    blocks.push(block)
    if (isCut) return { blocks, isCut }
    left -= count([block])
  }
  return { blocks, isCut: false }
}

/** How many tokens blocks have. */
export const count = (blocks: ReadonlyArray<Block>): number =>
  blocks.reduce((sum, { deltas }) => deltas.reduce((within, { tokens }) => within + tokens, sum), 0)

const spell = (content: Content, most: number): Block & { readonly isCut: boolean } => {
  const { citations, input, signature, text, thinking } = content
  if (content.type === "text" && typeof text === "string") {
    const { deltas, isCut, kept } = pieces(text, most, (piece) => ({ type: "text_delta", text: piece }))
    const cited = Array.isArray(citations) && !isCut ? citations : []
    return {
      whole: { ...content, text: kept, ...(citations !== undefined && { citations: cited }) },
      start: { ...content, text: "", ...(citations !== undefined && { citations: [] }) },
      // The API sends the citations of a block before its text.
      deltas: [...cited.map((citation) => untimed({ type: "citations_delta", citation })), ...deltas],
      isCut
    }
  }
  if (content.type === "thinking" && typeof thinking === "string") {
    const { deltas, isCut, kept } = pieces(thinking, most, (piece) => ({ type: "thinking_delta", thinking: piece }))
    const start = { ...content, thinking: "", signature: "" }
    if (isCut) return { whole: { ...start, thinking: kept }, start, deltas, isCut }
    return { whole: content, start, deltas: [...deltas, untimed({ type: "signature_delta", signature })], isCut }
  }
  if (content.type === "compaction") {
    // The API sends a summary in one piece.
    const { type: _, ...rest } = content
    const start = { type: content.type, content: null, encrypted_content: null }
    return { whole: content, start, deltas: [untimed({ type: "compaction_delta", ...rest })], isCut: false }
  }
  if (Predicate.isObject(input)) {
    const json = (piece: string) => ({ type: "input_json_delta", partial_json: piece })
    const text = Object.keys(input).length === 0 ? "" : JSON.stringify(input)
    // A call without input still costs the tokens of its name.
    const nameTokens = Tokens.count(String(content["name"] ?? ""))
    const begun = { delta: json(""), tokens: Math.min(nameTokens, most) }
    const { deltas, ...rest } = pieces(text, most - begun.tokens, json)
    const isCut = rest.isCut || nameTokens > most
    const start = { ...content, input: {} }
    return { whole: isCut ? start : content, start, deltas: [begun, ...deltas], isCut }
  }
  return { whole: content, start: content, deltas: [], isCut: false }
}

const untimed = (delta: Content): Delta => ({ delta, tokens: 0 })

/** Tokens that travel in one event. */
const tokensPerDelta = 4

const pieces = (text: string, most: number, delta: (piece: string) => Content) => {
  const all = Tokens.split(text)
  const kept = all.slice(0, most)
  const deltas: Array<Delta> = []
  for (let from = 0; from < kept.length; from += tokensPerDelta) {
    const tokens = kept.slice(from, from + tokensPerDelta)
    deltas.push({ delta: delta(tokens.join("")), tokens: tokens.length })
  }
  return { kept: kept.join(""), deltas, isCut: kept.length < all.length }
}
