/**
 * A result as a line of the output: the key of its row, and then the fields of the result, so that lines can be joined
 * with the input. A result without fixed fields, such as a text or a map, is the field `value`. The values are in the JSON
 * form of the schema: what `encode` writes, `decode` reads with the same schema.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"

/** Makes the line of a result. The columns of its input are between the key and the result. */
export const encode = <Out>(
  output: Schema.ConstraintCodec<Out, unknown>
): ((
  key: string,
  out: Out,
  input?: Readonly<Record<string, unknown>>
) => Effect.Effect<string, Schema.SchemaError>) => {
  const encodeJson = Schema.encodeEffect(Schema.toCodecJson(output))
  const isMerged = hasFixedFields(output)
  return (key, out, input) =>
    Effect.map(encodeJson(out), (encoded: unknown) =>
      JSON.stringify(
        isMerged && Predicate.isObject(encoded) ? { key, ...input, ...encoded } : { key, ...input, value: encoded }
      )
    )
}

/**
 * Decodes a line of JSON, with or without what `encode` adds. A schema that takes any JSON reads a line that has only
 * the fields `key` and `value` as a result.
 */
export const decode = <A, R>(
  schema: Schema.ConstraintDecoder<A, R>
): ((line: unknown) => Effect.Effect<A, Schema.SchemaError, R>) => {
  const decodeJson = decodeAll(Schema.toCodecJson(schema))
  // A schema ignores unknown fields, such as the key.
  if (hasFixedFields(schema)) return decodeJson
  const isNoObject = encodedTypes(schema).every(isScalarOrList)
  return (line) =>
    hasKeyOfRow(line) && "value" in line && (isNoObject || Object.keys(line).length === 2)
      ? Effect.catchEager(decodeJson(line.value), () => decodeJson(line))
      : decodeJson(line)
}

/**
 * Decodes a value, and reports all its errors. Effect decodes faster where it stops at the first error, so only a value
 * that has one is decoded again.
 */
const decodeAll = <A, R>(schema: Schema.ConstraintDecoder<A, R>) => {
  const decode = Schema.decodeUnknownEffect(schema)
  const describe = Schema.decodeUnknownEffect(schema, { errors: "all", reportInput: true })
  return (value: unknown) => Effect.catchEager(decode(value), () => describe(value))
}

const hasKeyOfRow = (line: unknown): line is { readonly key: string } =>
  Predicate.hasProperty(line, "key") && typeof line.key === "string"

/** Whether results have a field `key`, which would clash with the key of the row. */
export const hasKey = (output: Schema.Constraint): boolean =>
  encodedTypes(output).some(
    (type) => SchemaAST.isObjects(type) && type.propertySignatures.some(({ name }) => name === "key")
  )

/** The fields of the results in a line, besides the key. */
export const fields = (output: Schema.Constraint): ReadonlySet<string> =>
  new Set(
    hasFixedFields(output)
      ? encodedTypes(output).flatMap((type) =>
          SchemaAST.isObjects(type) ? type.propertySignatures.map(({ name }) => String(name)) : []
        )
      : ["value"]
  )

/** The columns that every line of these results may have, without the columns of the input. */
export const columns = (output: Schema.Constraint): ReadonlyArray<string> => ["key", ...fields(output)]

/** A text, a number, a list: no line of columns is one. */
const isScalarOrList = (type: SchemaAST.AST): boolean =>
  SchemaAST.isString(type) ||
  SchemaAST.isNumber(type) ||
  SchemaAST.isBoolean(type) ||
  SchemaAST.isNull(type) ||
  SchemaAST.isLiteral(type) ||
  SchemaAST.isTemplateLiteral(type) ||
  SchemaAST.isArrays(type)

/** Whether every result is an object whose fields the schema names. */
const hasFixedFields = (schema: Schema.Constraint): boolean =>
  encodedTypes(schema).every((type) => SchemaAST.isObjects(type) && type.indexSignatures.length === 0)

/** What the JSON form of a schema may be, without unions. */
const encodedTypes = (schema: Schema.Constraint) => membersOf(SchemaAST.toEncoded(Schema.toCodecJson(schema).ast))

const membersOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  if (SchemaAST.isUnion(ast)) return ast.types.flatMap(membersOf)
  if (SchemaAST.isSuspend(ast)) return membersOf(ast.thunk())
  return [ast]
}
