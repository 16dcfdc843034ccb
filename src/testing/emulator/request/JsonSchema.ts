/**
 * A JSON schema, as far as the emulator reads it: the part that Claude's structured outputs take, and bounds. Other
 * keywords are ignored.
 */
import * as Schema from "effect/Schema"
import type { Constraints } from "../../../claude/OutputFormat.ts"

/** A schema, or a part of one. */
export interface JsonSchema extends Constraints {
  readonly type?: string | ReadonlyArray<string>
  readonly description?: string
  readonly enum?: ReadonlyArray<unknown>
  readonly const?: unknown
  readonly properties?: { readonly [name: string]: JsonSchema }
  readonly required?: ReadonlyArray<string>
  readonly items?: JsonSchema
  readonly anyOf?: ReadonlyArray<JsonSchema>
  readonly oneOf?: ReadonlyArray<JsonSchema>
  readonly allOf?: ReadonlyArray<JsonSchema>
  readonly $ref?: string
  readonly $defs?: { readonly [name: string]: JsonSchema }
  readonly definitions?: { readonly [name: string]: JsonSchema }
}

const part = Schema.suspend((): Schema.Codec<JsonSchema> => JsonSchema)
const parts = Schema.optionalKey(Schema.Array(part))
const named = Schema.optionalKey(Schema.Record(Schema.String, part))
const text = Schema.optionalKey(Schema.String)
const number = Schema.optionalKey(Schema.Finite)

/** Decodes a schema from JSON. */
export const JsonSchema: Schema.Codec<JsonSchema> = Schema.Struct({
  type: Schema.optionalKey(Schema.Union([Schema.String, Schema.Array(Schema.String)])),
  description: text,
  enum: Schema.optionalKey(Schema.Array(Schema.Unknown)),
  const: Schema.optionalKey(Schema.Unknown),
  format: text,
  minimum: number,
  maximum: number,
  exclusiveMinimum: number,
  exclusiveMaximum: number,
  multipleOf: number,
  minLength: number,
  maxLength: number,
  pattern: text,
  properties: named,
  required: Schema.optionalKey(Schema.Array(Schema.String)),
  items: Schema.optionalKey(part),
  minItems: number,
  maxItems: number,
  uniqueItems: Schema.optionalKey(Schema.Boolean),
  anyOf: parts,
  oneOf: parts,
  allOf: parts,
  $ref: text,
  $defs: named,
  definitions: named
})

/** The same schema with `$ref` and `allOf` filled in, and with every choice between schemas in `anyOf`. */
export const simplify = (schema: JsonSchema, root: JsonSchema): JsonSchema => {
  const { $ref, allOf, oneOf, ...rest } = schema
  if ($ref !== undefined) return simplify({ ...lookUp($ref, root), ...rest }, root)
  if (allOf !== undefined) return allOf.map((one) => simplify(one, root)).reduce(merge, simplify(rest, root))
  if (oneOf !== undefined) return { ...rest, anyOf: oneOf }
  const { type, ...others } = rest
  if (Array.isArray(type)) return { ...others, anyOf: type.map((one) => Object.assign({ type: one }, others)) }
  return rest
}

const lookUp = (ref: string, root: JsonSchema): JsonSchema => {
  const [, kind, name = ""] = /^#\/(\$defs|definitions)\/(.+)$/.exec(ref) ?? []
  if (kind === undefined) return ref === "#" ? root : {}
  return (kind === "$defs" ? root.$defs : root.definitions)?.[name.replaceAll("~1", "/").replaceAll("~0", "~")] ?? {}
}

const merge = (a: JsonSchema, b: JsonSchema): JsonSchema => ({
  ...a,
  ...b,
  ...(a.properties && b.properties && { properties: { ...a.properties, ...b.properties } }),
  ...(a.required && b.required && { required: [...a.required, ...b.required] })
})

/** What decides the value of a simplified schema: `const`, `enum`, `anyOf`, or a type, written or implied. */
export const kindOf = (schema: JsonSchema): string => {
  if ("const" in schema) return "const"
  if (schema.enum !== undefined) return "enum"
  if (schema.anyOf !== undefined) return "anyOf"
  if (typeof schema.type === "string") return schema.type
  if (schema.properties !== undefined) return "object"
  return schema.items !== undefined ? "array" : "string"
}
