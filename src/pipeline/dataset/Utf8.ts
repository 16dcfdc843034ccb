/**
 * Bytes as text, chunk by chunk. A character that is cut by the end of a chunk belongs to the next text. Bytes that are not
 * UTF-8 become U+FFFD, and the text says so.
 */
import * as Bytes from "effect/Bytes"
import * as Result from "effect/Result"

export interface Text {
  readonly text: string
  /** Whether some bytes are not UTF-8. */
  readonly isBroken: boolean
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const lenient = new TextDecoder("utf-8", { ignoreBOM: true })

/** Starts a text. `end` returns what the last chunk left. */
export const decoder = () => {
  let rest = new Uint8Array()
  const decode = (bytes: Uint8Array): Text =>
    Result.match(
      Result.try(() => strict.decode(bytes)),
      {
        onSuccess: (text) => ({ text, isBroken: false }),
        onFailure: () => ({ text: lenient.decode(bytes), isBroken: true })
      }
    )
  const add = (chunk: Uint8Array): Text => {
    const bytes = rest.length === 0 ? chunk : Bytes.concat([rest, chunk])
    const end = wholeIn(bytes)
    rest = bytes.slice(end)
    return decode(bytes.subarray(0, end))
  }
  return { add, end: () => decode(rest) }
}

/** How many bytes have only whole characters. A character has at most 4 bytes. */
const wholeIn = (bytes: Uint8Array): number => {
  for (let back = 1; back <= 3; back++) {
    const byte = bytes[bytes.length - back] ?? 0
    // The bytes of a character after its first one.
    if ((byte & 0xc0) === 0x80) continue
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return size > back ? bytes.length - back : bytes.length
  }
  return bytes.length
}
