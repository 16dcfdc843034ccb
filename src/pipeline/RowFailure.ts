/**
 * The failure of a row: how the journal stores it, and how the summary reports it. Secrets are redacted before storing, by
 * the `Redactor` of the run.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import { ClaudeError } from "../claude/ClaudeError.ts"
import * as Redact from "../claude/Redact.ts"
import * as RowKey from "./RowKey.ts"

/** What a line of failures has besides the key. Failures of earlier versions have no bill. */
export const Failure = Schema.Struct({
  error: Schema.String,
  message: Schema.String,
  attempts: Schema.optionalKey(Schema.Int),
  calls: Schema.optionalKey(Schema.Int),
  cost: Schema.optionalKey(Schema.String)
})

/** A failure as the journal stores it, with the columns of the input that the job keeps beside its results. */
export const Stored = Schema.fromJsonString(
  Schema.Struct({ ...Failure.fields, input: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown)) })
)

export type Stored = typeof Stored.Type

/** What a row was billed until it failed. */
export interface Bill {
  /** Its requests in the run in which it failed. */
  readonly attempts: number
  /** Its replies in all runs, also those that the program could not use. */
  readonly calls: number
  /** US dollars for these replies, and for bills without a reply in this run. Undefined if a price is unknown. */
  readonly cost: BigDecimal.BigDecimal | undefined
}

/** A failure as the journal stores it. `input` are the columns of `InputColumns`. */
export const encode = (
  error: unknown,
  redact: Redact.Redact,
  { cost, ...bill }: Bill,
  input: Readonly<Record<string, unknown>> = {}
): string =>
  encodeStored({
    error: tagOf(error),
    message: messageOf(error, redact),
    ...bill,
    ...(cost !== undefined && { cost: BigDecimal.format(cost) }),
    ...(!Record.isEmptyReadonlyRecord(input) && { input })
  })

const encodeStored = Schema.encodeSync(Stored)

/**
 * A stored failure as a line of JSON for programs: the key of its row, the columns of its input, and the failure. `cost` is
 * a decimal text in US dollars. A column with a name of the failure, such as `message`, is `input_message`.
 */
export const toLine = Effect.fnUntraced(function* ({ error, key }: { readonly key: string; readonly error: string }) {
  const { input = {}, ...failure } = yield* Schema.decodeEffect(Stored)(error)
  const redact = yield* Redact.Redactor
  const columns = Record.mapKeys(input, (name) => (name in Failure.fields ? `input_${name}` : name))
  return JSON.stringify({ key: redact(key), ...columns, ...failure, message: redact(failure.message) })
})

/** A stored error as one line: the key of the row, then the message. */
export const describe = Effect.fnUntraced(function* ({ key, error }: { readonly key: string; readonly error: string }) {
  const { message } = yield* Schema.decodeEffect(Stored)(error)
  const redact = yield* Redact.Redactor
  return redact(`${RowKey.show(key)}: ${message}`)
})

/** A failure as one line: the key of the row, then the message. */
export const lineOf = (key: string, error: unknown, redact: Redact.Redact): string =>
  redact(`${RowKey.show(key)}: ${messageOf(error).replaceAll(/\s+/g, " ")}`)

/** The message of any error, without secrets. */
export const messageOf = (error: unknown, redact: Redact.Redact = Redact.redact): string =>
  redact(error instanceof Error ? error.message : String(error))

/** The reason of a Claude error, otherwise the error's tag. An error without a tag is a defect. */
export const tagOf = (error: unknown): string => {
  if (error instanceof ClaudeError) return error.reason._tag
  return Predicate.hasProperty(error, "_tag") ? String(error._tag) : "Defect"
}
