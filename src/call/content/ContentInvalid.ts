/**
 * Content that cannot be sent, found before anything is sent.
 */
import * as Schema from "effect/Schema"

/** An image, a document or a text cannot be read, or the API would refuse it. The message names it, and the remedy. */
export class ContentInvalid extends Schema.TaggedError<ContentInvalid>()("ContentInvalid", {
  /** The path, the address, the id of the file, or the number of bytes. */
  source: Schema.String,
  /** `unreadable`: the file cannot be read; `type`: it is something else; `size`: it is too large or empty. */
  problem: Schema.Literals(["unreadable", "type", "size"]),
  detail: Schema.String
}) {
  override get message() {
    const { source } = this
    const name = source === "" ? '""' : source.length > maxName ? `${source.slice(0, maxName - 1)}…` : source
    return `${name}: ${this.detail}`
  }
}

/** In characters. A text that was passed as a path by mistake would make the message as long as the text. */
const maxName = 100
