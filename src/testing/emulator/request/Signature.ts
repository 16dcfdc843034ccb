/**
 * Signatures of thinking blocks. The emulator accepts those that it issued itself, and those in the form of Claude's: it
 * has no key to check a signature, so it reads the outer structure only. A truncated or foreign one is refused.
 */
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"

/** Claude signs with a Protocol Buffers message: one field (tag 0x12) with its length, and a few bytes behind it. */
const tag = 0x12
const mostAfter = 16

/** Whether a text has the form of a signature of Claude. */
export const isClaudes = (signature: string): boolean => {
  const bytes = Result.getOrUndefined(Base64.decode(signature))
  if (bytes === undefined || bytes[0] !== tag) return false
  let at = 1
  let length = 0
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = bytes[at++] ?? 0
    length |= (byte & 0x7f) << shift
    if (byte < 0x80) break
  }
  const after = bytes.length - at - length
  return length > 0 && after >= 0 && after <= mostAfter
}

/** The signatures that one emulator issued. */
export interface Issued {
  readonly add: (signature: string) => void
  readonly has: (signature: string) => boolean
}

/** Nothing issued yet. */
export const make = (): Issued => {
  const issued = new Set<string>()
  return { add: (signature) => void issued.add(signature), has: (signature) => issued.has(signature) }
}
