/**
 * Images, PDFs and texts in a prompt, as the API's content blocks. Their type and size are checked before anything is sent.
 * A source is a path, bytes, an address that the API reads, or the id of an uploaded file. A path is relative to the
 * working folder, and needs the `FileSystem`.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Media from "../claude/Media.ts"
import { ContentInvalid } from "./content/ContentInvalid.ts"
import * as Source from "./content/Source.ts"

export { type Citation, citations, type CitedDocument, type CitedSource } from "./content/Citations.ts"
export { ContentInvalid } from "./content/ContentInvalid.ts"
export type { Address, FileId } from "./content/Source.ts"

/** An image in a message. */
export type ImageBlock = Anthropic.Messages.ImageBlockParam

/** A PDF or a text in a message. */
export type DocumentBlock = Anthropic.Messages.DocumentBlockParam

/** Any content in a message of the user. */
export type Block = Anthropic.Messages.ContentBlockParam

/** Options of documents. */
export interface DocumentOptions {
  /**
   * Claude names the places of the document that its answer rests on; read them with `Content.citations`. Only for texts:
   * the API refuses citations together with a schema.
   */
  readonly citations?: boolean
  /** The name of the document, for Claude and in citations; by default the last part of a path or an address. */
  readonly title?: string
  /** What Claude should know about the document. It is not cited. */
  readonly context?: string
}

/** A message of the user: texts, and the content between them. Claude reads images best before the question. */
export const user = (...content: ReadonlyArray<string | Block>): Anthropic.Messages.UserMessageParam => ({
  role: "user",
  content: content.map((part) => (Predicate.isString(part) ? { type: "text", text: part } : part))
})

type Local = FileSystem.FileSystem

/** An image: PNG, JPEG, GIF or WebP, at most 10 MB in Base64 and 8,000 pixels a side. */
export function image(source: Remote | Uint8Array): Effect.Effect<ImageBlock, ContentInvalid>
export function image(path: string): Effect.Effect<ImageBlock, ContentInvalid, Local>
export function image(source: Source.Source): Effect.Effect<ImageBlock, ContentInvalid, Local> {
  return Effect.flatMap(Source.open(source), (opened) =>
    isRemote(opened) ? Effect.succeed({ type: "image" as const, source: opened }) : Effect.fromResult(imageOf(opened))
  )
}

/** A PDF: not encrypted, at most 24 MB, and 600 pages, or 100 for models with a window of 200k tokens. */
export function pdf(
  source: Remote | Uint8Array,
  options?: DocumentOptions
): Effect.Effect<DocumentBlock, ContentInvalid>
export function pdf(path: string, options?: DocumentOptions): Effect.Effect<DocumentBlock, ContentInvalid, Local>
export function pdf(
  source: Source.Source,
  options?: DocumentOptions
): Effect.Effect<DocumentBlock, ContentInvalid, Local> {
  return Effect.flatMap(Source.open(source), (opened) =>
    isRemote(opened)
      ? Effect.succeed(document(opened, options, source))
      : Effect.fromResult(pdfOf(opened, options, source))
  )
}

/** A text as a document: a file in UTF-8, `{ text }`, or an uploaded file. A text in a message needs no document. */
export function text(
  source: { readonly text: string } | Source.FileId | Uint8Array,
  options?: DocumentOptions
): Effect.Effect<DocumentBlock, ContentInvalid>
export function text(path: string, options?: DocumentOptions): Effect.Effect<DocumentBlock, ContentInvalid, Local>
export function text(
  source: { readonly text: string } | Source.FileId | Uint8Array | string,
  options?: DocumentOptions
): Effect.Effect<DocumentBlock, ContentInvalid, Local> {
  if (Predicate.hasProperty(source, "text")) {
    return source.text === "" ? Effect.fail(emptyText) : Effect.succeed(plain(source.text, options))
  }
  return Effect.flatMap(Source.open(source), (opened) => {
    if (!isRemote(opened)) return Effect.fromResult(textOf(opened, options, source))
    return opened.type === "file"
      ? Effect.succeed(document(opened, options, source))
      : invalid(opened.url, "the API reads only images and PDFs by address; download the text")
  })
}

/**
 * An image, a PDF or a text, by its first bytes; for an address by its ending. Options have no effect on an image.
 */
export function file(
  source: Source.Address | Uint8Array,
  options?: DocumentOptions
): Effect.Effect<ImageBlock | DocumentBlock, ContentInvalid>
export function file(
  path: string,
  options?: DocumentOptions
): Effect.Effect<ImageBlock | DocumentBlock, ContentInvalid, Local>
export function file(
  source: string | URL | Uint8Array,
  options?: DocumentOptions
): Effect.Effect<ImageBlock | DocumentBlock, ContentInvalid, Local> {
  return Effect.flatMap(Source.open(source), (opened): Effect.Effect<ImageBlock | DocumentBlock, ContentInvalid> => {
    if (!isRemote(opened)) {
      const type = Media.typeOf(opened.bytes)
      if (type === "application/pdf") return Effect.fromResult(pdfOf(opened, options, source))
      if (type !== undefined) return Effect.fromResult(imageOf(opened))
      return Effect.fromResult(textOf(opened, options, source))
    }
    const name = opened.type === "url" ? opened.url : opened.file_id
    const ending = /\.(\w+)$/.exec(Source.nameOf(name) ?? "")?.[1]?.toLowerCase() ?? ""
    if (ending === "pdf") return Effect.succeed(document(opened, options, source))
    return imageEndings.has(ending)
      ? Effect.succeed({ type: "image", source: opened })
      : invalid(name, "the ending is not one of an image or a PDF; download it, or use Content.image or Content.pdf")
  })
}

/**
 * Fails if a file is missing, empty, too large, or a pipe, which can be read only once. It reads only the size of a file and
 * skips addresses, so use it to check many paths early.
 */
export const check: (path: string) => Effect.Effect<void, ContentInvalid, Local> = Source.check

type Remote = Source.Address | Source.FileId

const imageEndings = new Set(["png", "jpg", "jpeg", "gif", "webp"])

const isRemote = (opened: Source.Bytes | Source.Remote): opened is Source.Remote => !("bytes" in opened)

const invalid = (source: string, detail: string) => Effect.fail(new ContentInvalid({ source, problem: "type", detail }))

const emptyText = new ContentInvalid({
  source: "the text",
  problem: "size",
  detail: "it is empty; give another one"
})

const imageOf = (file: Source.Bytes) =>
  Result.map(checked(file, Media.image), (image): ImageBlock => ({
    type: "image",
    source: { type: "base64", ...image }
  }))

const pdfOf = (file: Source.Bytes, options: DocumentOptions | undefined, source: Source.Source) =>
  Result.map(checked(file, Media.pdf), (data) =>
    document({ type: "base64", media_type: "application/pdf", data }, options, source)
  )

const textOf = (file: Source.Bytes, options: DocumentOptions | undefined, source: Source.Source) =>
  Result.map(checked(file, Media.text), (data) => plain(data, options, source))

const checked = <A>({ bytes, name }: Source.Bytes, check: (bytes: Uint8Array) => Result.Result<A, Media.Problem>) =>
  Result.mapError(check(bytes), (problem) => new ContentInvalid({ source: name, ...problem }))

const plain = (data: string, options: DocumentOptions | undefined, source?: Source.Source) =>
  document({ type: "text", media_type: "text/plain", data }, options, source)

const document = (
  content: DocumentBlock["source"],
  { citations, context, title }: DocumentOptions = {},
  source?: Source.Source
): DocumentBlock => {
  const path = source instanceof URL ? source.href : source
  const name = title ?? (Predicate.isString(path) ? Source.nameOf(path) : undefined)
  return {
    type: "document",
    source: content,
    ...(name !== undefined && { title: name }),
    ...(context !== undefined && { context }),
    ...(citations !== undefined && { citations: { enabled: citations } })
  }
}
