/**
 * Turns a file of a prompt into a block of the API: an image, a PDF, or a text document. Pure.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Base64 from "effect/encoding/Base64"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type * as Prompt from "effect/ai/Prompt"
import * as ImageType from "../../claude/ImageType.ts"
import * as ProviderOptions from "./ProviderOptions.ts"

/** A block that holds a file. */
export type FileBlock = Anthropic.ImageBlockParam | Anthropic.DocumentBlockParam

/** The block of a file, or why the API takes no such file. */
export const make = (part: Prompt.FilePart): Result.Result<FileBlock, string> => {
  const { citations, documentContext, documentTitle, fileId } = ProviderOptions.of(part.options)
  const mediaType = part.mediaType.toLowerCase()
  const data = dataOf(part.data)
  const document = (source: Anthropic.DocumentBlockParam["source"]): Result.Result<FileBlock> => {
    const title = documentTitle ?? part.fileName
    return Result.succeed({
      type: "document",
      source,
      ...(title !== undefined && { title }),
      ...(documentContext && { context: documentContext }),
      ...(citations && { citations })
    })
  }
  if (mediaType.startsWith("image/")) {
    if (fileId) return Result.succeed({ type: "image", source: { type: "file", file_id: fileId } })
    if ("url" in data) return Result.succeed({ type: "image", source: { type: "url", url: data.url } })
    const type = imageTypeOf(mediaType)
    if (type === undefined)
      return refused(part, "Claude reads JPEG, PNG, GIF and WebP images; convert it to one of them")
    return Result.succeed({ type: "image", source: { type: "base64", media_type: type, data: data.base64() } })
  }
  if (fileId) return document({ type: "file", file_id: fileId })
  if (mediaType === "application/pdf") {
    if ("url" in data) return document({ type: "url", url: data.url })
    return document({ type: "base64", media_type: "application/pdf", data: data.base64() })
  }
  if (mediaType.startsWith("text/") || textTypes.has(mediaType)) {
    if ("url" in data) return refused(part, "only images and PDFs may be URLs; download it and send its text")
    return document({ type: "text", media_type: "text/plain", data: data.text() })
  }
  return refused(part, "Claude reads images, PDFs and text; convert it to one of them")
}

/** Many programs write `image/jpg`, which is not a registered type. */
const imageTypeOf = (mediaType: string): ImageType.ImageType | undefined =>
  ImageType.types.find((type) => type === (mediaType === "image/jpg" ? "image/jpeg" : mediaType))

const textTypes = new Set(["application/json", "application/xml", "application/yaml", "application/x-ndjson"])

const refused = ({ fileName, mediaType }: Prompt.FilePart, remedy: string) =>
  Result.fail(`the file ${fileName === undefined ? "" : `${fileName} `}of type ${mediaType} cannot be sent: ${remedy}`)

type Data = { readonly url: string } | { readonly base64: () => string; readonly text: () => string }

/** A text is a URL, base64, or, for text files, perhaps the text itself. */
const dataOf = (data: Prompt.FilePart["data"]): Data => {
  if (Predicate.isString(data)) return ofText(data)
  if (data instanceof URL) return ofText(data.href)
  return { base64: () => Base64.encode(data), text: () => decoder.decode(data) }
}

const ofText = (data: string): Data => {
  if (/^https?:/i.test(data)) return { url: data }
  const [, isBase64, body] = /^data:[^,]*?(;base64)?,([^]*)$/i.exec(data) ?? [undefined, ";base64", data]
  if (isBase64 === undefined) {
    const text = Result.getOrElse(
      Result.try(() => decodeURIComponent(body ?? "")),
      () => body ?? ""
    )
    return { base64: () => Base64.encode(text), text: () => text }
  }
  const base64 = body ?? ""
  return {
    base64: () => base64,
    text: () =>
      Result.match(Base64.decode(base64), { onSuccess: (bytes) => decoder.decode(bytes), onFailure: () => base64 })
  }
}

const decoder = new TextDecoder()
