/**
 * Why a stored or imported conversation cannot be used. The history of the conversation stays as it was.
 */
import * as Schema from "effect/Schema"
import { isMessage } from "./History.ts"

/**
 * The turn that was answered but is not in the store. It was paid for: show it, or import its messages. The form for
 * loggers leaves it out.
 */
const unsaved = { unsaved: Schema.optionalKey(Schema.Array(Schema.declare(isMessage))) }

/**
 * Another process, or another `open` in this one, has continued the stored conversation since this one read it. Open it
 * again, and ask again if the question still matters.
 */
export class ConversationChanged extends Schema.TaggedError<ConversationChanged>()("ConversationChanged", {
  id: Schema.String,
  ...unsaved
}) {
  override get message() {
    return `another process changed the conversation "${this.id}"; open it again to continue from there`
  }
  override toJSON() {
    return { _tag: this._tag, message: this.message }
  }
}

/** What is stored under the id of the conversation cannot be read. Nothing was changed. */
export class ConversationUnreadable extends Schema.TaggedError<ConversationUnreadable>()("ConversationUnreadable", {
  id: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `the stored conversation "${this.id}" cannot be read: ${this.detail}`
  }
}

/** The store failed. */
export class ConversationStoreFailed extends Schema.TaggedError<ConversationStoreFailed>()("ConversationStoreFailed", {
  id: Schema.String,
  detail: Schema.String,
  ...unsaved
}) {
  override get message() {
    return `the store of the conversation "${this.id}" failed: ${this.detail}`
  }
  override toJSON() {
    return { _tag: this._tag, message: this.message }
  }
}

/** A conversation with this id is stored already. Open it, or choose another id. */
export class ConversationExists extends Schema.TaggedError<ConversationExists>()("ConversationExists", {
  id: Schema.String
}) {
  override get message() {
    return `a conversation "${this.id}" is stored already; open it, or choose another id`
  }
}

/** The messages to import are not a conversation that the API would continue. */
export class HistoryInvalid extends Schema.TaggedError<HistoryInvalid>()("HistoryInvalid", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

/** Why a stored conversation cannot be read or written. */
export const StoreError = Schema.Union([ConversationChanged, ConversationUnreadable, ConversationStoreFailed])
export type StoreError = typeof StoreError.Type
