/**
 * Content that cannot be sent, found before anything is sent.
 */
import * as Schema from "effect/Schema"

/** An image, a document or a text cannot be read, or the API would refuse it. The message names it, and the remedy. */
export class ContentInvalid extends Schema.TaggedError<ContentInvalid>()("ContentInvalid", {
  /** The path, or what else was given. */
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

/** A whole text given as a path would make the message as long. */
const maxName = 100
