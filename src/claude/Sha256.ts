/**
 * Hashes texts. Effect's `Digest` is asynchronous, which costs more than the hash itself.
 */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"

/** Node's hash takes a tenth of the time. Deno and Bun have it too. Other runtimes use the JavaScript version. */
const crypto = globalThis.process?.getBuiltinModule?.("node:crypto")
const native = crypto?.hash

/** A hash of bytes that are added piece by piece. */
export interface Incremental {
  readonly add: (bytes: Uint8Array) => void
  /** The SHA-256 of all bytes, in hexadecimal. No more bytes can be added. */
  readonly hex: () => string
}

/** Starts a hash without bytes. */
export const make = (): Incremental => {
  const hash = crypto === undefined ? sha256.create() : crypto.createHash("sha256")
  return { add: (bytes) => void hash.update(bytes), hex: () => bytesToHex(hash.digest()) }
}

/** SHA-256 of a text in UTF-8, in hexadecimal. */
export const hex: (text: string) => string =
  native === undefined ? (text) => bytesToHex(sha256(utf8ToBytes(text))) : (text) => native("sha256", text)
