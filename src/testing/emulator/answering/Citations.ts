/**
 * Cites the documents of a request that are texts and enable citations: each sentence of the answer that a document has is
 * a block with its place, as in the API's answers.
 */
import * as Predicate from "effect/Predicate"
import * as RegExp from "effect/RegExp"
import type { Content } from "./Blocks.ts"
import * as Sentences from "./Sentences.ts"

/** The blocks of a text; a single one without citations if there is nothing to cite. */
export const cite = (text: string, messages: Messages): ReadonlyArray<Content> => {
  const documents = messages.flatMap(({ content }) => (Array.isArray(content) ? content.filter(isDocument) : []))
  const blocks: Array<Content> = []
  let plain = ""
  const push = () => {
    if (plain !== "") blocks.push({ type: "text", text: plain })
    plain = ""
  }
  let at = 0
  for (const sentence of documents.some(isCitable) ? Sentences.split(text) : []) {
    const start = text.indexOf(sentence.text, at)
    const location = start === -1 ? undefined : locate(sentence.text, documents)
    if (location === undefined) continue
    plain += text.slice(at, start)
    push()
    at = start + sentence.text.length
    blocks.push({ type: "text", text: sentence.text, citations: [location] })
  }
  plain += text.slice(at)
  push()
  return blocks
}

type Messages = ReadonlyArray<{ readonly role: string; readonly content?: unknown }>

type Fields = { readonly [field: string]: unknown }

const isDocument = (block: unknown): block is Fields => Predicate.isObject(block) && block["type"] === "document"

const isCitable = ({ citations, source }: Fields) =>
  Predicate.isObject(citations) &&
  citations["enabled"] === true &&
  Predicate.isObject(source) &&
  Predicate.isString(source["data"]) &&
  source["type"] === "text"

const locate = (sentence: string, documents: ReadonlyArray<Fields>): Content | undefined => {
  const pattern = new RegExp.RegExp(RegExp.escape(sentence).replaceAll(" ", "\\s+"))
  for (const [index, document] of documents.entries()) {
    const { source, title } = document
    if (!isCitable(document) || !Predicate.isObject(source)) continue
    const match = pattern.exec(String(source["data"]))
    if (match === null) continue
    return {
      type: "char_location",
      cited_text: match[0],
      document_index: index,
      document_title: title ?? null,
      file_id: null,
      start_char_index: match.index,
      end_char_index: match.index + match[0].length
    }
  }
  return undefined
}
