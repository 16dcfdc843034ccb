/**
 * What texts are told apart by. Effect's own `Digest` is asynchronous, which costs more than the digest does.
 */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"

/** Node's own takes a tenth of the time, and is there, without an import, in Deno and Bun too. Elsewhere it is computed. */
const native = globalThis.process?.getBuiltinModule?.("node:crypto").hash

/** SHA-256 of a text in UTF-8, in hexadecimal. */
export const hex: (text: string) => string =
  native === undefined ? (text) => bytesToHex(sha256(utf8ToBytes(text))) : (text) => native("sha256", text)
