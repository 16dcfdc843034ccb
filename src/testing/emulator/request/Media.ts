/**
 * Images and documents of a request: their media types, and whether the bytes are what the media type says.
 */
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import * as ImageType from "../../../claude/ImageType.ts"

/** The part of a source that is checked here. */
export interface Base64Source {
  readonly media_type: string
  readonly data: string
}

/** Of an image in Base64: 10 MB, as the API's refusals said in 2026 ("image exceeds 10 MB maximum"). */
const maximumBytes = 10 * 1024 * 1024

/** The refusal of an image whose `source` is at `path`. */
export const checkImage = ({ data, media_type }: Base64Source, path: string): string | undefined => {
  const bytes = decode(data)
  if (bytes === undefined) return `${path}.data: invalid base64 data`
  if (bytes.length === 0) return `${path}: image cannot be empty`
  if (data.length > maximumBytes) {
    return `${path}: image exceeds 10 MB maximum: ${data.length} bytes > ${maximumBytes} bytes`
  }
  const found = ImageType.of(bytes)
  if (found === undefined) return `${path}.data: Could not process image`
  if (found === media_type) return undefined
  return (
    `${path}.data: The image was specified using the ${media_type} media type, but the image appears to be a ` +
    `${found} image`
  )
}

/** The refusal of a PDF whose `source` is at `path`. */
export const checkPdf = ({ data }: Base64Source, path: string): string | undefined => {
  const bytes = decode(data)
  if (bytes === undefined) return `${path}.data: invalid base64 data`
  return text(bytes, 0, 1024).includes("%PDF-") ? undefined : `${path}.data: The PDF specified was not valid.`
}

const base64 = /^[A-Za-z0-9+/]*={0,2}$/

/** The decoder of Effect takes line breaks; the API takes none, and no `data:` URL. */
const decode = (data: string): Uint8Array | undefined =>
  base64.test(data) ? Result.getOrUndefined(Base64.decode(data)) : undefined

const text = (bytes: Uint8Array, from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to))
