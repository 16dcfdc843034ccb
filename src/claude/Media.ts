/**
 * Checks the bytes of images and PDFs: their type and their size. It refuses only what the API is certain to refuse.
 */
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import * as ImageSize from "./ImageSize.ts"
import * as ImageType from "./ImageType.ts"

/** Why the API would refuse the bytes, and what to do: `type`, they are something else; `size`, they are too many or none. */
export interface Problem {
  readonly problem: "type" | "size"
  readonly detail: string
}

/** An image in Base64, with its media type. */
export interface Image {
  readonly media_type: ImageType.ImageType
  readonly data: string
}

/**
 * Characters of an image in Base64. The API's refusals of 2026 name 10 MB ("image exceeds 10 MB maximum"); Bedrock and
 * Google Cloud still refuse images over 5 MB.
 */
const maxImage = 10 * 1024 * 1024

/** Pixels of a side (Anthropic, "Vision", 2026). In a request with more than 20 images, the API takes 2,000. */
const maxSide = 8000

/** The pages of a PDF, for models with a context window of 1M tokens (Anthropic, "PDF support", 2026); for others, 100. */
const maxPages = 600

/**
 * Whether the bytes are an image that the API takes, or a PDF; undefined for anything else. A text may mention the header
 * of a PDF, so a header behind other bytes counts only where the end of a PDF follows.
 */
export const typeOf = (bytes: Uint8Array): ImageType.ImageType | "application/pdf" | undefined =>
  ImageType.of(bytes) ?? (isPdf(bytes) && (startsAsPdf(bytes) || endsAsPdf(bytes)) ? "application/pdf" : undefined)

/** Checks an image. */
export const image = (bytes: Uint8Array): Result.Result<Image, Problem> => {
  const media_type = ImageType.of(bytes)
  if (media_type === undefined) {
    if (typeOf(bytes) !== undefined) return refuse("type", `this is a PDF, and no image; ${findOut}`)
    const found = otherType(bytes)
    const what = found === undefined ? "this is not" : `this is ${found}, and not`
    return refuse("type", `${what} a PNG, JPEG, GIF or WebP image; convert it to one of these`)
  }
  const size = Math.ceil(bytes.length / 3) * 4
  if (size > maxImage) {
    return refuse("size", `the image has ${size} bytes in Base64, and may have ${maxImage}; scale it down`)
  }
  const data = Base64.encode(bytes)
  const { height, width } = ImageSize.of(data) ?? { height: 0, width: 0 }
  if (Math.max(height, width) > maxSide) {
    return refuse("size", `the image has ${width} × ${height} pixels, and may have ${maxSide} a side; scale it down`)
  }
  return Result.succeed({ media_type, data })
}

/** Checks a PDF, and returns it in Base64. */
export const pdf = (bytes: Uint8Array): Result.Result<string, Problem> => {
  if (!isPdf(bytes)) {
    const found = ImageType.of(bytes) === undefined ? (otherType(bytes) ?? "not a PDF") : "an image"
    return refuse("type", `this is ${found}; give a PDF, or ${findOut}`)
  }
  const text = latin1(bytes)
  if (/\/Encrypt\s+\d+\s+\d+\s+R/.test(text)) {
    return refuse("type", "the PDF is encrypted, and Claude reads no encrypted PDF; save it without a password")
  }
  const pages = pagesOf(text)
  return pages > maxPages
    ? refuse("size", `the PDF has ${pages} pages, and a request may have ${maxPages}; split it`)
    : Result.succeed(Base64.encode(bytes))
}

/** Checks a text. A small PDF may be valid UTF-8. */
export const text = (bytes: Uint8Array): Result.Result<string, Problem> => {
  const decoded = Result.try(() => utf8.decode(bytes))
  if (Result.isSuccess(decoded) && !decoded.success.includes("\0") && !startsAsPdf(bytes)) {
    // A file may have only a byte order mark.
    return decoded.success === "" ? refuse("size", noContent) : Result.succeed(decoded.success)
  }
  const type = typeOf(bytes)
  if (type !== undefined) {
    return refuse("type", `this is ${type === "application/pdf" ? "a PDF" : "an image"}, and no text; ${findOut}`)
  }
  const found = otherType(bytes)
  const what = found === undefined ? "this is not" : `this is ${found}, and not`
  return refuse("type", `${what} an image, a PDF or a text in UTF-8; convert it to one of these`)
}

const findOut = "use Content.file, which finds out the type"

/** What to say of a file without content. */
export const noContent = "it is empty; give another file"

const utf8 = new TextDecoder("utf-8", { fatal: true })

const refuse = (problem: Problem["problem"], detail: string): Result.Result<never, Problem> =>
  Result.fail({ problem, detail })

/** A header may follow up to 1,024 bytes of something else (PDF 1.7, appendix H). */
const isPdf = (bytes: Uint8Array) => latin1(bytes.subarray(0, 1024)).includes("%PDF-")

const startsAsPdf = (bytes: Uint8Array) => /^(?:\u00ef\u00bb\u00bf)?\s*%PDF-/.test(latin1(bytes.subarray(0, 64)))

const endsAsPdf = (bytes: Uint8Array) => latin1(bytes.subarray(-1024)).includes("%%EOF")

/**
 * The largest count of a page tree; 0 if the tree is compressed. An update of a PDF appends new versions of its objects, so
 * the last one of each number counts.
 */
const pagesOf = (text: string): number => {
  const counts = new Map<string, number>()
  for (const [, object = "", node = ""] of text.matchAll(/\b(\d{1,10}\s+\d{1,5})\s+obj\s*<<([^<>]*)>>/g)) {
    if (/\/Type\s*\/Pages\b/.test(node)) counts.set(object, Number(/\/Count\s+(\d+)/.exec(node)?.[1] ?? 0))
  }
  return [...counts.values()].reduce((most, count) => Math.max(most, count), 0)
}

const decoder = new TextDecoder("latin1")
const latin1 = (bytes: Uint8Array) => decoder.decode(bytes)

/** Files that people take for an image or a PDF. */
const otherType = (bytes: Uint8Array): string | undefined => {
  const text = latin1(bytes.subarray(0, 64))
  return others.find(([pattern]) => pattern.test(text))?.[1]
}

const others: ReadonlyArray<readonly [RegExp, string]> = [
  [/^BM/, "a BMP image"],
  [/^(?:II\*\0|MM\0\*)/, "a TIFF image"],
  [/^....ftyp(?:heic|heix|mif1|msf1|hevc)/s, "a HEIC image"],
  [/^....ftypavif/s, "an AVIF image"],
  [/^\s*(?:<\?xml[^>]*>\s*)?<svg/, "an SVG image"],
  [/^\s*<(?:!doctype|html)/i, "a web page"],
  [/^(?:\u00ff\u00fe|\u00fe\u00ff)/, "a text in UTF-16"],
  [/^PK[^ -~]{2}/, "a ZIP file, such as a Word document"]
]
