/**
 * Asks Claude for a value of a Schema with the API's structured outputs, and decodes the answer. `OutputFormat` translates
 * the schema; the decoder checks what the API does not enforce, such as ranges, lengths and patterns.
 */
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { ClaudeError, OutputInvalid, Unsupported } from "../claude/ClaudeError.ts"
import * as OutputFormat from "../claude/OutputFormat.ts"
import { type Prompt, type Request, resolve } from "../claude/Request.ts"
import { ask } from "./text.ts"
import * as Turn from "./turn.ts"

/** A decoded answer. `text` is the text that was decoded. */
export interface ObjectReply<A> extends Turn.TextReply {
  readonly value: A
}

/**
 * Asks for a value of `schema`. Fails with `OutputInvalid` if the answer does not decode: the error names the path, the
 * expected value and the stop reason, and carries the text and the usage. Fails with `Unsupported`, before a call, if
 * the API cannot take the schema. Other failures are those of `generateText`.
 */
export const generateObject = Effect.fn("Claude.generateObject")(function* <A, I, RD, RE>(
  schema: Schema.ConstraintCodec<A, I, RD, RE>,
  prompt: Prompt
) {
  const format = yield* Effect.mapError(
    Effect.fromResult(OutputFormat.make(schema)),
    ({ detail, remedy }) => new ClaudeError({ reason: new Unsupported({ detail, remedy }) })
  )
  const request = yield* resolve(prompt)
  const reply = yield* Turn.toReply(yield* ask(withFormat(request, format.schema)), Turn.finalText)
  const { message, text, usage } = reply
  const value = yield* format.decode(text).pipe(
    Effect.mapError((error) => {
      const why = `${explain(error.issue, format.schema)} (stop reason: ${message.stop_reason})`
      const detail = `the answer does not satisfy the schema: ${why}`
      return new ClaudeError({ reason: new OutputInvalid({ detail, text, usage, ...Turn.requestIdOf(reply) }) })
    }),
    Turn.discardOnFailure(reply)
  )
  return { ...reply, value } satisfies ObjectReply<A>
})

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

/** The expected value and its path. A key that is not in the schema comes from the answer, so it is left out. */
const explain = (issue: SchemaIssue.Issue, schema: OutputFormat.JsonSchema): string => {
  const named = JSON.stringify(schema)
  const place = (key: PropertyKey) =>
    typeof key === "number" || named.includes(`"${String(key)}":`) ? `[${JSON.stringify(key)}]` : "[…]"
  return issuesOf(issue)
    .issues.map(({ message, path = [] }) => {
      const at = path.map((segment) => place(typeof segment === "object" ? segment.key : segment)).join("")
      return at === "" ? message : `${message} at ${at}`
    })
    .join("; ")
}

const withFormat = (request: Request, schema: OutputFormat.JsonSchema): Request => ({
  ...request,
  output_config: { ...request.output_config, format: { type: "json_schema", schema: { ...schema } } }
})
