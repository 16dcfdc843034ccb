/**
 * The width and height of an image, read from its first bytes. The API bills images by their size, not by their bytes.
 */
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"

/** In pixels. */
export interface ImageSize {
  readonly width: number
  readonly height: number
}

/** The size of a PNG, JPEG, GIF or WebP image in Base64; `undefined` if it cannot be read. It decodes only a few bytes. */
export const of = (base64: string): ImageSize | undefined => {
  const byte = byteReader(base64)
  const size = readers[byte(0)]?.(byte)
  return size !== undefined && size.width > 0 && size.height > 0 ? size : undefined
}

/** The byte at a position; `NaN` behind the end. */
type Bytes = (at: number) => number

const byteReader = (base64: string): Bytes => {
  let from = -1
  let bytes: Uint8Array = new Uint8Array()
  return (at) => {
    // Four characters are three bytes.
    const group = Math.floor(at / 3)
    if (group !== from) {
      from = group
      bytes = Result.getOrElse(Base64.decode(base64.slice(group * 4, group * 4 + 4)), () => new Uint8Array())
    }
    return bytes[at % 3] ?? NaN
  }
}

const big16 = (byte: Bytes, at: number) => byte(at) * 256 + byte(at + 1)
const little16 = (byte: Bytes, at: number) => byte(at) + byte(at + 1) * 256
const little24 = (byte: Bytes, at: number) => little16(byte, at) + byte(at + 2) * 65_536

const png = (byte: Bytes): ImageSize => ({
  width: big16(byte, 16) * 65_536 + big16(byte, 18),
  height: big16(byte, 20) * 65_536 + big16(byte, 22)
})

const gif = (byte: Bytes): ImageSize => ({ width: little16(byte, 6), height: little16(byte, 8) })

/** A JPEG is a list of segments, each with a marker and a length; the size is in the frame header. */
const jpeg = (byte: Bytes): ImageSize | undefined => {
  let at = 2
  while (byte(at) === 0xff) {
    const marker = byte(at + 1)
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
    if (isFrame) return { width: big16(byte, at + 7), height: big16(byte, at + 5) }
    // The standard allows any number of fill bytes before a marker.
    at += marker === 0xff ? 1 : 2 + big16(byte, at + 2)
  }
  return undefined
}

/** The three kinds of WebP: with extensions, without loss, and with loss. */
const webp = (byte: Bytes): ImageSize | undefined => {
  const kind = String.fromCharCode(byte(12), byte(13), byte(14), byte(15))
  if (kind === "VP8X") return { width: little24(byte, 24) + 1, height: little24(byte, 27) + 1 }
  if (kind === "VP8 ") return { width: little16(byte, 26) & 0x3fff, height: little16(byte, 28) & 0x3fff }
  if (kind !== "VP8L") return undefined
  const bits = little24(byte, 21) + byte(24) * 16_777_216
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
}

/** By the first byte; the API checks that the rest agrees with the media type. */
const readers: Readonly<Record<number, (byte: Bytes) => ImageSize | undefined>> = {
  0x89: png,
  0x47: gif,
  0xff: jpeg,
  0x52: webp
}
