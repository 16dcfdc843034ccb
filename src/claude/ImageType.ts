/**
 * The media type of an image, from its first bytes. The API takes these four, and refuses an image whose bytes disagree
 * with its media type.
 */

/** The media types, in the order in which the API names them. */
export const types = ["image/jpeg", "image/png", "image/gif", "image/webp"] as const

/** A media type of an image that the API takes. */
export type ImageType = (typeof types)[number]

/** The media type; `undefined` if the bytes have none of these types. */
export const of = (bytes: Uint8Array): ImageType | undefined => types.find((type) => begins[type](bytes))

const text = (bytes: Uint8Array, from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to))

const begins: Readonly<Record<ImageType, (bytes: Uint8Array) => boolean>> = {
  "image/jpeg": (bytes) => text(bytes, 0, 3) === "\u00ff\u00d8\u00ff",
  "image/png": (bytes) => text(bytes, 0, 8) === "\u0089PNG\r\n\u001a\n",
  "image/gif": (bytes) => /^GIF8[79]a$/.test(text(bytes, 0, 6)),
  "image/webp": (bytes) => text(bytes, 0, 4) === "RIFF" && text(bytes, 8, 12) === "WEBP"
}
