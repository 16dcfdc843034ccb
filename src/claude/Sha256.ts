/**
 * Hashes texts. Effect's `Digest` is asynchronous, which costs more than the hash itself.
 */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"

/** Node's hash takes a tenth of the time. Deno and Bun have it too. Other runtimes use the JavaScript version. */
const native = globalThis.process?.getBuiltinModule?.("node:crypto").hash

/** SHA-256 of a text in UTF-8, in hexadecimal. */
export const hex: (text: string) => string =
  native === undefined ? (text) => bytesToHex(sha256(utf8ToBytes(text))) : (text) => native("sha256", text)
