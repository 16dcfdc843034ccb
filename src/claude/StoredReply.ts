/**
 * A reply as plain data for a store: the message as JSON with a checksum, and the request id. Caches and journals store
 * replies in this form. Decoding never fails: incomplete or foreign data gives `undefined`.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isMessage, type Message, type Reply } from "./Reply.ts"
import * as Sha256 from "./Sha256.ts"

/** The fields of a stored reply, to spread into the schema of an entry or a row. */
export const fields = {
  requestId: Schema.optionalKey(Schema.String),
  /** The message as JSON text, so that the checksum covers exactly the text that was written. */
  message: Schema.String,
  /** SHA-256 of `message`, in hexadecimal. */
  checksum: Schema.String
}

/** A stored reply. */
export const StoredReply = Schema.Struct(fields)
export type StoredReply = typeof StoredReply.Type

/** The facts of a reply that outlive the process. */
export type Restored = Pick<Reply, "message" | "requestId">

/** A reply as plain data. */
export const encode = ({ message, requestId }: Restored): StoredReply => {
  const json = JSON.stringify(message)
  return { ...(requestId !== undefined && { requestId }), message: json, checksum: Sha256.hex(json) }
}

const decodeMessage = Schema.decodeOption(Schema.fromJsonString(Schema.declare(isMessage)))

/** Decodes a stored reply; `undefined` if the text has changed since it was written, or is not a message. */
export const decode = ({ checksum, message, requestId }: StoredReply): Restored | undefined => {
  if (checksum !== Sha256.hex(message)) return undefined
  return Option.getOrUndefined(
    Option.map(decodeMessage(message), (decoded: Message) => ({ message: decoded, requestId }))
  )
}
