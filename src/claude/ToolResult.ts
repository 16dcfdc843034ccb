/**
 * The result of a tool in the form of the API: text, or the images and documents of `toModelOutput`. Pure.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Base64 from "effect/encoding/Base64"
import * as Predicate from "effect/Predicate"
import type * as Prompt from "effect/ai/Prompt"
import type * as Tool from "effect/ai/Tool"

/** What a `tool_result` block holds. */
export type Content = string | Array<Block>

type Block = Anthropic.TextBlockParam | Anthropic.ImageBlockParam | Anthropic.DocumentBlockParam

/** The content of a result: the output that the tool made for the model, or its encoded result as text. */
export const content = <T extends Tool.Any>({
  encodedResult,
  modelOutput
}: Pick<Tool.HandlerResult<T>, "encodedResult" | "modelOutput">): Content =>
  modelOutput === undefined ? textOf(encodedResult) : modelOutput.filter(hasContent).map(blockOf)

/** The API refuses a text without any character but white space; a result may be empty. */
const hasContent = (part: Prompt.ToolModelOutputPart) => part.type !== "text" || /\S/.test(part.text)

/** A text as it is, any other value as JSON, where a bigint (of a row, for example) is a text, and no value as an empty text. */
export const textOf = (value: unknown): string =>
  Predicate.isString(value) ? value : (JSON.stringify(value, bigintAsText) ?? "")

/** A replacer for `JSON.stringify`, which knows no bigint. */
export const bigintAsText = (_: string, part: unknown): unknown => (Predicate.isBigInt(part) ? String(part) : part)

/** A part of a model output. A file that the API cannot take in a result is replaced by a line that names its type. */
export const blockOf = (part: Prompt.ToolModelOutputPart): Block => {
  if (part.type === "text") return { type: "text", text: part.text }
  const { data, fileName: title, mediaType } = part
  const name = title === undefined ? "" : ` ${title}`
  if (mediaType.startsWith("image/")) {
    const image = sourceOf(data)
    if (image.type === "url") return { type: "image", source: image }
    // The API checks the type of an image, and its message names the ones that it takes.
    const media_type = mediaType as Anthropic.Base64ImageSource["media_type"]
    return { type: "image", source: { ...image, media_type } }
  }
  const titled = title === undefined ? {} : { title }
  if (mediaType === "application/pdf") {
    const pdf = sourceOf(data)
    const source = pdf.type === "url" ? pdf : { ...pdf, media_type: "application/pdf" as const }
    return { type: "document", source, ...titled }
  }
  const text = mediaType.startsWith("text/") ? plainText(data) : undefined
  if (text === undefined) return { type: "text", text: `[${mediaType}${name} omitted]` }
  return { type: "document", source: { type: "text", media_type: "text/plain", data: text }, ...titled }
}

type Data = Prompt.FilePart["data"]

type Source = { readonly type: "url"; readonly url: string } | { readonly type: "base64"; readonly data: string }

const sourceOf = (data: Data): Source => {
  if (data instanceof Uint8Array) return { type: "base64", data: Base64.encode(data) }
  const text = String(data)
  const [, base64] = /^data:[^,]*;base64,(.*)$/s.exec(text) ?? []
  if (base64 !== undefined) return { type: "base64", data: base64 }
  return /^https?:\/\//.test(text) ? { type: "url", url: text } : { type: "base64", data: text }
}

const plainText = (data: Data): string | undefined =>
  data instanceof Uint8Array ? new TextDecoder().decode(data) : undefined
