/**
 * Asks Claude for a value of a Schema, through the API's native structured output, and decodes the answer. What the
 * API's subset of JSON Schema cannot say (lengths, ranges, patterns) goes into descriptions, and is checked here.
 */
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { ClaudeError, OutputInvalid, Unsupported } from "../claude/ClaudeError.ts"
import * as OutputFormat from "../claude/OutputFormat.ts"
import { type Prompt, type Request, resolve } from "../claude/Request.ts"
import { ask } from "./text.ts"
import * as Turn from "./turn.ts"

/** A decoded answer, with the text it was decoded from. */
export interface ObjectReply<A> extends Turn.TextReply {
  readonly value: A
}

/**
 * Asks for a value of `schema`. Fails with `OutputInvalid` where the answer does not decode: the error names the
 * path and what was expected there, and carries the text and the usage.
 */
export const generateObject = Effect.fn("Claude.generateObject")(function* <A, I, RD, RE>(
  schema: Schema.ConstraintCodec<A, I, RD, RE>,
  prompt: Prompt
) {
  const format = yield* Effect.mapError(
    Effect.fromResult(OutputFormat.make(schema)),
    ({ message }) => new ClaudeError({ reason: new Unsupported({ detail: message }) })
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

/** What was expected, and where. A key that the schema does not name is of the answer, and stays out. */
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
