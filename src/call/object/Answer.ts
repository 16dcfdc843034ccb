/**
 * What every verb that asks for a value does: it puts the schema into the request, decodes the answer, repairs an answer
 * that is not JSON, and explains an answer that does not decode.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as Cited from "../../claude/Cited.ts"
import { ClaudeError, OutputInvalid, Unsupported } from "../../claude/ClaudeError.ts"
import * as Event from "../../claude/Event.ts"
import * as OutputFormat from "../../claude/OutputFormat.ts"
import { type Prompt, type Request, resolve } from "../../claude/Request.ts"
import * as Turn from "../turn.ts"
import * as Repair from "./Repair.ts"

/** A decoded answer. `text` is the text that was decoded. */
export interface ObjectReply<A> extends Turn.TextReply {
  readonly value: A
}

/** What to do with an answer that does not satisfy the schema. */
export interface ObjectOptions {
  /**
   * Whether to repair a finished answer that is not JSON, such as one with a fence, prose, single quotes or a trailing
   * comma; true by default. It costs no call. An answer that was cut off is not repaired.
   */
  readonly repair?: boolean
  /** How often to ask again, with the error and its path; once by default. */
  readonly reask?: number
}

/** The output format of a schema. Fails with `Unsupported` if the API cannot take the schema. */
export const formatOf = <A, I, RD, RE>(schema: Schema.ConstraintCodec<A, I, RD, RE>) =>
  Effect.mapError(
    Effect.fromResult(OutputFormat.make(schema)),
    ({ detail, remedy }) => new ClaudeError({ reason: new Unsupported({ detail, remedy }) })
  )

/** The request for a value of the schema. Fails with `Unsupported` if the prompt has documents with citations. */
export const requestOf = Effect.fnUntraced(function* (prompt: Prompt, schema: OutputFormat.JsonSchema) {
  const request = yield* resolve(prompt)
  if (Cited.has(request.messages)) {
    const detail = "documents with citations cannot be asked for a value"
    const reason = new Unsupported({ detail, remedy: "leave citations out, or ask for text first" })
    return yield* new ClaudeError({ reason })
  }
  const format = { type: "json_schema" as const, schema: { ...schema } }
  const asked: Request = { ...request, output_config: { ...request.output_config, format } }
  return asked
})

/**
 * The value of an answer, or of its repaired text, with the JSON text that was decoded. If neither decodes, fails with
 * the error of the answer.
 */
export const decode = <A, RD>(
  format: OutputFormat.OutputFormat<A, RD>,
  { message, text }: Turn.TextReply,
  repair: boolean
) =>
  format.decode(text).pipe(
    Effect.map((value) => ({ value, json: text })),
    Effect.catch((error) => {
      const json = repair ? Repair.of(text) : Option.none()
      if (Option.isNone(json)) return Effect.fail(error)
      // An unknown key shows that the repair read a part of a text as a field.
      return format.decode(json.value, { onExcessProperty: "error" }).pipe(
        Effect.map((value) => ({ value, json: json.value })),
        Effect.mapError(() => error),
        Effect.tap(() => Event.emit(() => ({ _tag: "output-repaired", model: message.model })))
      )
    })
  )

/** The failure of an answer that does not satisfy the schema. `answer` has the usage of all calls. */
export const invalid = (why: string, { message, text, usage, ...facts }: Turn.TextReply): ClaudeError => {
  const detail = `the answer does not satisfy the schema: ${why} (stop reason: ${message.stop_reason})`
  return new ClaudeError({
    reason: new OutputInvalid({ detail, text, usage, ...Turn.requestIdOf(facts) })
  })
}

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

/** The expected value and its path. A key that is not in the schema comes from the answer, so it is left out. */
export const explain = (
  issue: SchemaIssue.Issue,
  schema: OutputFormat.JsonSchema,
  before: ReadonlyArray<PropertyKey> = []
): string => {
  const named = JSON.stringify(schema)
  const place = (key: PropertyKey) =>
    typeof key === "number" || named.includes(`"${String(key)}":`) ? `[${JSON.stringify(key)}]` : "[…]"
  return issuesOf(issue)
    .issues.map(({ message, path = [] }) => {
      const inner = path.map((segment) => (typeof segment === "object" ? segment.key : segment))
      const at = [...before, ...inner].map(place).join("")
      return at === "" ? message : `${message} at ${at}`
    })
    .join("; ")
}
