/**
 * Translates an Effect Schema to an output format of the API: the JSON Schema to send, and a decoder for the answer.
 * Descriptions carry what the API's subset of JSON Schema cannot express; the decoder checks it.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import type { Node, Problem } from "./outputFormat/Describe.ts"
import { fit } from "./outputFormat/Fit.ts"
import { count, type JsonSchema, limits } from "./outputFormat/JsonSchema.ts"
import { type Part, of as partOf } from "./outputFormat/Part.ts"
import * as Nesting from "./Nesting.ts"
import * as Shape from "./outputFormat/Shape.ts"
import { translate } from "./outputFormat/Translate.ts"

export { type Constraints, constraintsIn } from "./outputFormat/Constraints.ts"
export { schemaIn } from "./outputFormat/JsonText.ts"
export { type Part } from "./outputFormat/Part.ts"
export { count, formats, type JsonSchema, limits, type Places } from "./outputFormat/JsonSchema.ts"

/** The schema to send, and the mapping of its values. */
export interface OutputFormat<A, RD = never> {
  readonly schema: JsonSchema
  /** Decodes the text of an answer. By default, keys that the schema does not have are ignored. */
  readonly decode: (
    text: string,
    options?: Pick<SchemaAST.ParseOptions, "onExcessProperty">
  ) => Effect.Effect<A, Schema.SchemaError, RD>
  /** Decodes a value that Claude sent, such as the arguments of a tool. */
  readonly read: (sent: unknown) => Effect.Effect<A, Schema.SchemaError, RD>
  /** Turns the JSON of `Schema.toCodecJson` into the shape that Claude sends. */
  readonly write: (json: unknown) => unknown
  /** Reads a value while it arrives, part by part. */
  readonly part: Part
}

/** The API would refuse this schema. The message names the path and a remedy. */
export class SchemaRefused extends Schema.TaggedError<SchemaRefused>()("SchemaRefused", {
  path: Schema.String,
  what: Schema.String,
  remedy: Schema.String
}) {
  /** What is wrong, without the remedy. */
  get detail() {
    return `this schema cannot be sent: ${this.what} at ${this.path === "" ? "its root" : this.path}`
  }
  override get message() {
    return `${this.detail}; ${this.remedy}`
  }
}

type Made = WeakMap<Schema.Constraint, Result.Result<OutputFormat<unknown, unknown>, SchemaRefused>>

/** Translating a schema costs about as much CPU as a call, so each schema is translated once. */
const made: Made = new WeakMap()
const madeNative: Made = new WeakMap()

/**
 * The output format of a schema, or the reason why it cannot be sent. A part that contains itself, and what is over the
 * API's limits, is sent in another form, and read back.
 */
export const make = <A, I, RD, RE>(
  schema: Schema.ConstraintCodec<A, I, RD, RE>
): Result.Result<OutputFormat<A, RD>, SchemaRefused> => once(made, schema, true)

/** The same, but a part that contains itself, and more than the limits allow, is refused. */
export const makeNative = <A, I, RD, RE>(
  schema: Schema.ConstraintCodec<A, I, RD, RE>
): Result.Result<OutputFormat<A, RD>, SchemaRefused> => once(madeNative, schema, false)

const once = <A, I, RD, RE>(made: Made, schema: Schema.ConstraintCodec<A, I, RD, RE>, mayChange: boolean) => {
  // The entry of a schema was made from this schema, so it has its types.
  const known = made.get(schema) as Result.Result<OutputFormat<A, RD>, SchemaRefused> | undefined
  if (known !== undefined) return known
  const format = translated(schema, mayChange)
  made.set(schema, format)
  return format
}

const translated = <A, I, RD, RE>(schema: Schema.ConstraintCodec<A, I, RD, RE>, mayChange: boolean) => {
  const problems: Array<Problem> = []
  const prefix = SchemaAST.resolveIdentifier(schema.ast) ?? ""
  const refused = (problem: Problem) => new SchemaRefused({ ...problem, path: prefix + problem.path })
  const node = Result.try({
    try: () => {
      const root = rooted(translate(schema.ast, (problem) => problems.push(problem), mayChange))
      const codec = Schema.toCodecJson(schema)
      if (!mayChange) return { codec, node: root }
      const fitted = fit(root.schema)
      return { codec, node: { ...Shape.compose(fitted, root), schema: fitted.schema } }
    },
    // Effect throws if a schema has no JSON codec.
    catch: (error) => {
      const what = error instanceof Error ? error.message : String(error)
      return refused(problems[0] ?? { path: "", what, remedy: "change it" })
    }
  })
  return Result.flatMap(node, ({ codec, node }) => {
    const [problem = excess(node.schema)] = problems
    if (problem !== undefined) return Result.fail(refused(problem))
    const toJson = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Unknown))
    const decodeJson = Schema.decodeUnknownEffect(codec)
    const decode = (sent: unknown, options?: SchemaAST.ParseOptions) =>
      Nesting.limited(Effect.suspend(() => decodeJson(Shape.read(node, sent), options)))
    return Result.succeed<OutputFormat<A, RD>>({
      schema: node.schema,
      decode: (text, options) => Effect.flatMap(toJson(text), (sent) => decode(sent, options)),
      read: (sent) => decode(sent),
      write: (json) => Shape.write(node, json),
      part: partOf(node, [node.schema])
    })
  })
}

/** The key of a value at the root that is not an object. */
export const rootKey = "value"

/** The root of a sent schema must be an object. Any other value is sent as the field of an object. */
const rooted = (node: Node): Node => {
  if (node.schema.type === "object") return node
  const { schema } = node
  return {
    schema: { type: "object", properties: { [rootKey]: schema }, required: [rootKey], additionalProperties: false },
    ...Shape.wrapped(rootKey, node)
  }
}

const excess = (schema: JsonSchema): Problem | undefined => {
  const { optional, unions } = count(schema)
  const over = (places: ReadonlyArray<string>, limit: number, what: string, remedy: string): Problem | undefined => {
    const path = places[limit]
    if (path === undefined) return undefined
    return {
      path,
      what: `it has ${places.length} ${what}, the API accepts ${limit}, and the first one over the limit is`,
      remedy
    }
  }
  return (
    over(
      optional,
      limits.optional,
      "optional properties",
      "make some required, or split the schema over several calls"
    ) ??
    over(
      unions,
      limits.unions,
      "unions",
      "use Schema.optionalKey instead of null, or split the schema over several calls"
    )
  )
}
