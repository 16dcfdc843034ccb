/**
 * The sources that Claude names for parts of its answer. The API names them where a document of the request enables
 * citations, and for web searches and search results.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Arr from "effect/Array"
import type * as Reply from "../../claude/Reply.ts"

/** A document of the request: its place among all documents of the request, counted from 0, and its title, if any. */
export interface CitedDocument {
  readonly index: number
  readonly title: string | undefined
}

/** A source of a part of an answer. `quote` is its text. */
export type CitedSource =
  /** Pages of a PDF, counted from 1; `last` is the last one itself. */
  | {
      readonly type: "pages"
      readonly document: CitedDocument
      readonly first: number
      readonly last: number
      readonly quote: string
    }
  /** Characters of a text, from `start` up to but not including `end`. */
  | {
      readonly type: "characters"
      readonly document: CitedDocument
      readonly start: number
      readonly end: number
      readonly quote: string
    }
  /** Blocks of a document that was given in blocks, from `start` up to but not including `end`. */
  | {
      readonly type: "blocks"
      readonly document: CitedDocument
      readonly start: number
      readonly end: number
      readonly quote: string
    }
  /** Blocks of a search result in the request; `document.index` counts search results, and `source` is its own. */
  | {
      readonly type: "search-result"
      readonly document: CitedDocument
      readonly source: string
      readonly start: number
      readonly end: number
      readonly quote: string
    }
  /** A page that the web search of the API found. */
  | { readonly type: "web"; readonly url: string; readonly title: string | undefined; readonly quote: string }

/** A part of an answer, at `start` to `end` (exclusive) of the text of the reply, in UTF-16 units, and its sources. */
export interface Citation {
  readonly text: string
  readonly start: number
  readonly end: number
  readonly sources: Arr.NonEmptyReadonlyArray<CitedSource>
}

/**
 * The parts of an answer that have sources, in their order. Text without sources is left out. For a stream, use
 * `onFinish`: the API sends the sources of a part with its text, but a part ends only with its block.
 */
export const citations = ({ message }: Pick<Reply.Reply, "message">): ReadonlyArray<Citation> => {
  const found: Array<Citation> = []
  let end = 0
  for (const block of message.content) {
    if (block.type !== "text") continue
    const start = end
    end += block.text.length
    const sources = (block.citations ?? []).flatMap((citation) => sourceOf(citation) ?? [])
    if (Arr.isArrayNonEmpty(sources)) found.push({ text: block.text, start, end, sources })
  }
  return found
}

/** A kind of source that is newer than this version is left out. */
const sourceOf = (citation: Anthropic.TextCitation): CitedSource | undefined => {
  const { cited_text: quote } = citation
  switch (citation.type) {
    case "page_location": {
      // The API's end is the page after the last one.
      const { end_page_number: end, start_page_number: first } = citation
      return { type: "pages", document: documentOf(citation), first, last: Math.max(first, end - 1), quote }
    }
    case "char_location": {
      const { end_char_index: end, start_char_index: start } = citation
      return { type: "characters", document: documentOf(citation), start, end, quote }
    }
    case "content_block_location": {
      const { end_block_index: end, start_block_index: start } = citation
      return { type: "blocks", document: documentOf(citation), start, end, quote }
    }
    case "search_result_location": {
      const { end_block_index: end, search_result_index: index, source, start_block_index: start, title } = citation
      return { type: "search-result", document: { index, title: title ?? undefined }, source, start, end, quote }
    }
    case "web_search_result_location":
      return { type: "web", url: citation.url, title: citation.title ?? undefined, quote }
    default:
      return undefined
  }
}

const documentOf = ({ document_index: index, document_title: title }: Named): CitedDocument => ({
  index,
  title: title ?? undefined
})

interface Named {
  readonly document_index: number
  readonly document_title: string | null
}
