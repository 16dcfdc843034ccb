/**
 * Asks Claude for a value of a Schema, through the API's native structured output, and decodes the answer. What the
 * API's subset of JSON Schema cannot say (lengths, ranges, patterns) goes into descriptions, and is checked here.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { toCodecAnthropic } from "effect/ai/AnthropicStructuredOutput"
import { ClaudeError, OutputInvalid, Unsupported } from "../claude/ClaudeError.ts"
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
  const format = yield* formatOf(schema)
  const request = yield* resolve(prompt)
  const reply = yield* Turn.toReply(yield* ask(withFormat(request, format.jsonSchema)), Turn.finalText)
  const { message, text, usage } = reply
  const value = yield* format.decode(text).pipe(
    Effect.mapError((error) => {
      const why = `${explain(error.issue, format.jsonSchema)} (stop reason: ${message.stop_reason})`
      const detail = `the answer does not satisfy the schema: ${why}`
      return new ClaudeError({ reason: new OutputInvalid({ detail, text, usage, ...Turn.requestIdOf(reply) }) })
    }),
    Turn.discardOnFailure(reply)
  )
  return { ...reply, value } satisfies ObjectReply<A>
})

interface Format<A, RD> {
  readonly decode: (text: string) => Effect.Effect<A, Schema.SchemaError, RD>
  readonly jsonSchema: JsonSchema
}

/** To translate a schema took some 60 µs of CPU, where a call takes about 100: each is translated once. */
const formats = new WeakMap<Schema.Constraint, Format<unknown, unknown>>()

const formatOf = <A, I, RD, RE>(schema: Schema.ConstraintCodec<A, I, RD, RE>) =>
  Effect.try({
    try: (): Format<A, RD> => {
      // What is kept for a schema was made of it.
      const known = formats.get(schema) as Format<A, RD> | undefined
      if (known !== undefined) return known
      const { codec, jsonSchema } = toCodecAnthropic(schema)
      const format = { decode: Schema.decodeEffect(Schema.fromJsonString(codec)), jsonSchema }
      formats.set(schema, format)
      return format
    },
    catch: (error) => {
      const where = selfReference(schema)
      const why = where === undefined ? messageOf(error) : `it contains itself at ${where}; bound its depth`
      return new ClaudeError({ reason: new Unsupported({ detail: `this schema cannot be sent: ${why}` }) })
    }
  })

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** Where a schema refers to what it stands in, such as `Tree["children"][]`. */
const selfReference = (schema: Schema.Constraint): string | undefined => {
  const find = (node: unknown, path: string, within: ReadonlyArray<string>): string | undefined => {
    if (!Predicate.isObjectOrArray(node)) return undefined
    if (!Array.isArray(node) && typeof node["$ref"] === "string") {
      const name = node["$ref"].replace("#/$defs/", "")
      if (within.includes(name)) return path
      return find(definitions[name], path === "" ? name : path, [...within, name])
    }
    for (const [key, inner] of Object.entries(node)) {
      const found =
        key === "properties" && Predicate.isObject(inner)
          ? Object.entries(inner)
              .map(([name, property]) => find(property, `${path}[${JSON.stringify(name)}]`, within))
              .find(Predicate.isNotUndefined)
          : find(inner, key === "items" ? `${path}[]` : path, within)
      if (found !== undefined) return found
    }
    return undefined
  }
  const document = Result.getOrUndefined(Result.try(() => Schema.toJsonSchemaDocument(schema)))
  const definitions: Readonly<Record<string, unknown>> = document?.definitions ?? {}
  return find(document?.schema, "", [])
}

type JsonSchema = { readonly [key: string]: unknown }

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1({
  // The codec for structured output moves the words of a check into the description, and leaves it without any.
  checkHook: (issue) => SchemaIssue.defaultCheckHook(issue) ?? (isInteger(issue) ? "Expected an integer" : undefined)
})

const isInteger = ({ filter }: SchemaIssue.Filter) =>
  filter.annotations?.["representation"]?.id === "effect/schema/isInt"

/** What was expected, and where. A key that the schema does not name is of the answer, and stays out. */
const explain = (issue: SchemaIssue.Issue, schema: JsonSchema): string => {
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

const withFormat = (request: Request, schema: JsonSchema): Request => ({
  ...request,
  output_config: { ...request.output_config, format: { type: "json_schema", schema: { ...schema } } }
})
