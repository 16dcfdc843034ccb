/**
 * The schema of results from a JSON Schema, as `--schema` takes it. Keywords that Effect
 * would ignore, and parts that the API cannot take, are refused with their path.
 */
import * as JsonSchema from "effect/JsonSchema"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaRepresentation from "effect/SchemaRepresentation"
import type { JsonCodec } from "./FieldSchema.ts"

/** Reads the text of a JSON Schema. The failure says what is wrong, where, and what to do. */
export const parse = (text: string): Result.Result<JsonCodec, string> =>
  Result.gen(function* () {
    const json = yield* Result.mapError(
      Result.fromOption(decode(text), () => ""),
      () => "this is not a JSON object; write a JSON Schema"
    )
    const problem = problemOf(json, "")
    if (problem !== undefined) return yield* Result.fail(problem)
    const schema = yield* Result.try({ try: () => importSchema(json), catch: messageOf })
    const { ast } = schema
    if (!SchemaAST.isObjects(ast) || ast.indexSignatures.length > 0 || ast.propertySignatures.length === 0) {
      return yield* Result.fail('the root must be an object with named "properties", the fields of a result')
    }
    // Effect types an imported schema as any schema. An import has no services, and its values are JSON.
    return Schema.make<JsonCodec>(ast)
  })

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))

const importSchema = (json: JsonSchema.JsonSchema) => {
  const isDraft07 = "definitions" in json || String(json["$schema"]).includes("draft-07")
  const document = isDraft07 ? JsonSchema.fromSchemaDraft07(json) : JsonSchema.fromSchemaDraft2020_12(json)
  // The file is the user's own, so its patterns are trusted. The API takes closed objects only.
  return SchemaRepresentation.fromJsonSchemaDocument(document, {
    patterns: "apply",
    onEnter: (schema) =>
      Predicate.isObject(schema["properties"]) && schema["additionalProperties"] === undefined
        ? { ...schema, additionalProperties: false }
        : schema
  })
}

/** Effect's message ends in a line with the path from the document. */
const messageOf = (error: unknown): string => {
  const [what = "", path = ""] = String(error instanceof Error ? error.message : error).split("\n  at ")
  return `${what.replace(/\.$/, "")}, at ${path.replace('["schema"]', "") || "the root"}; leave it out`
}

/** A keyword that Effect would ignore, or a type that does not exist. */
const problemOf = (node: unknown, path: string): string | undefined => {
  if (!Predicate.isObject(node)) return undefined
  for (const [keyword, value] of Object.entries(node)) {
    const place = `${path}["${keyword}"]`
    if (keyword === "nullable") return `"nullable" is of OpenAPI, at ${place}; write "type": ["string", "null"]`
    if (!keywords.has(keyword) && !keyword.startsWith("x-")) {
      return `JSON Schema has no keyword "${keyword}", at ${place}; leave it out`
    }
    if (keyword === "type" && ![value].flat().every((type) => types.has(type))) {
      return `there is no type ${JSON.stringify(value)}, at ${place}; write one of ${[...types].join(", ")}`
    }
    const parts = schemas.has(keyword) ? [["", value] as const] : inside(keyword, value)
    for (const [name, part] of parts) {
      const problem = problemOf(part, `${place}${name}`)
      if (problem !== undefined) return problem
    }
  }
  return undefined
}

/** The schemas in the value of a keyword that holds several. */
const inside = (keyword: string, value: unknown): ReadonlyArray<readonly [string, unknown]> => {
  if (maps.has(keyword) && Predicate.isObject(value)) {
    return Object.entries(value).map(([name, part]) => [`["${name}"]`, part])
  }
  return lists.has(keyword) && Array.isArray(value) ? value.map((part, index) => [`[${index}]`, part]) : []
}

const types = new Set<unknown>(["object", "array", "string", "number", "integer", "boolean", "null"])
const schemas = new Set(["items", "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else"])
const maps = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"])
const lists = new Set(["anyOf", "oneOf", "allOf", "prefixItems"])
const annotations = "title description default examples deprecated readOnly writeOnly format $comment $schema $id"
const assertions =
  "type enum const required minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern " +
  "minItems maxItems uniqueItems minContains maxContains minProperties maxProperties dependentRequired $ref $anchor " +
  "$dynamicRef unevaluatedItems unevaluatedProperties"
const keywords = new Set([...schemas, ...maps, ...lists, ...`${annotations} ${assertions}`.split(" ")])
