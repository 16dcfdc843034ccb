/**
 * Turns a file of a prompt into a block of the API: an image, a PDF, or a text document. Its bytes are checked as in
 * `Content`. Every turn of a conversation sends its files again, so the block of a part is remembered. Pure otherwise.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Base64 from "effect/encoding/Base64"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type * as Prompt from "effect/ai/Prompt"
import * as Media from "../../claude/Media.ts"
import * as ProviderOptions from "./ProviderOptions.ts"

/** A block that holds a file. */
export type FileBlock = Anthropic.ImageBlockParam | Anthropic.DocumentBlockParam

/** The block of a file, or why the API takes no such file. */
export const make = (part: Prompt.FilePart): Result.Result<FileBlock, string> => {
  const known = blocks.get(part)
  if (known !== undefined) return known
  const block = build(part)
  blocks.set(part, block)
  return block
}

const blocks = new WeakMap<Prompt.FilePart, Result.Result<FileBlock, string>>()

const build = (part: Prompt.FilePart): Result.Result<FileBlock, string> => {
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
    return Result.map(checked(part, data, "image", Media.image), (image) => ({
      type: "image",
      source: { type: "base64", ...image }
    }))
  }
  if (fileId) return document({ type: "file", file_id: fileId })
  if (mediaType === "application/pdf") {
    if ("url" in data) return document({ type: "url", url: data.url })
    return Result.flatMap(checked(part, data, "PDF", Media.pdf), (data) =>
      document({ type: "base64", media_type: "application/pdf", data })
    )
  }
  if (mediaType.startsWith("text/") || textTypes.has(mediaType)) {
    if ("url" in data) return refused(part, "only images and PDFs may be URLs; download it and send its text")
    return Result.flatMap(checked(part, data, "text", Media.text), (data) =>
      document({ type: "text", media_type: "text/plain", data })
    )
  }
  return refused(part, "Claude reads images, PDFs and text; convert it to one of them")
}

const textTypes = new Set(["application/json", "application/xml", "application/yaml", "application/x-ndjson"])

const refused = ({ fileName, mediaType }: Prompt.FilePart, remedy: string) =>
  Result.fail(`the file ${fileName === undefined ? "" : `${fileName} `}of type ${mediaType} cannot be sent: ${remedy}`)

type Data = { readonly url: string } | { readonly bytes: Uint8Array | undefined; readonly text: string | undefined }

/** A text is a URL, base64, or, for text files, perhaps the text itself. */
const dataOf = (data: Prompt.FilePart["data"]): Data => {
  if (Predicate.isString(data)) return ofText(data)
  if (data instanceof URL) return ofText(data.href)
  return { bytes: data, text: undefined }
}

const ofText = (data: string): Data => {
  if (/^https?:/i.test(data)) return { url: data }
  const [, isBase64, body = ""] = /^data:[^,]*?(;base64)?,([^]*)$/i.exec(data) ?? [undefined, ";base64", data]
  if (isBase64 !== undefined) return { bytes: Result.getOrUndefined(Base64.decode(body)), text: body }
  const text = Result.getOrElse(
    Result.try(() => decodeURIComponent(body)),
    () => body
  )
  return { bytes: encoder.encode(text), text }
}

/** Checks the bytes. Their type is what Claude reads, so it counts, and not the one that the part names. */
const checked = <A>(
  part: Prompt.FilePart,
  { bytes, text }: Exclude<Data, { readonly url: string }>,
  kind: "image" | "PDF" | "text",
  check: (bytes: Uint8Array) => Result.Result<A, Media.Problem>
): Result.Result<A, string> => {
  const content = bytes ?? (kind === "text" && text !== undefined ? encoder.encode(text) : undefined)
  if (content === undefined) return refused(part, "its data is not Base64; give bytes, Base64, or a URL")
  if (content.length === 0) return refused(part, Media.noContent)
  const result = check(content)
  if (Result.isSuccess(result)) return Result.succeed(result.success)
  const type = Media.typeOf(content)
  const isOther = type !== undefined && kind !== (type === "application/pdf" ? "PDF" : "image")
  return refused(part, isOther ? `its content is of type ${type}; name this type` : result.failure.detail)
}

const encoder = new TextEncoder()
