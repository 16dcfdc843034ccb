/**
 * The failure of a row: how the journal stores it, and how the summary reports it. Secrets are redacted before storing, by
 * the `Redactor` of the run.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { ClaudeError } from "../claude/ClaudeError.ts"
import * as Redact from "../claude/Redact.ts"
import * as RowKey from "./RowKey.ts"

const Stored = Schema.fromJsonString(Schema.Struct({ error: Schema.String, message: Schema.String }))

/** An error as the journal stores it. */
export const encode = (error: unknown, redact: Redact.Redact): string =>
  Schema.encodeSync(Stored)({ error: tagOf(error), message: messageOf(error, redact) })

/** A stored error as one line: the key of the row, then the message. */
export const describe = Effect.fnUntraced(function* ({ key, error }: { readonly key: string; readonly error: string }) {
  const { message } = yield* Schema.decodeEffect(Stored)(error)
  const redact = yield* Redact.Redactor
  return redact(`${RowKey.show(key)}: ${message}`)
})

/** The message of any error, without secrets. */
export const messageOf = (error: unknown, redact: Redact.Redact = Redact.redact): string =>
  redact(error instanceof Error ? error.message : String(error))

/** The reason of a Claude error, otherwise the error's tag. An error without a tag is a defect. */
export const tagOf = (error: unknown): string => {
  if (error instanceof ClaudeError) return error.reason._tag
  return Predicate.hasProperty(error, "_tag") ? String(error._tag) : "Defect"
}
