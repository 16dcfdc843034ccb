/**
 * The JSON Schema of a schema's JSON codec, for what the API's subset cannot carry: recursion, and more unions or optional
 * keys than its limits. Tools that are not strict take it. Pure.
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"

/** The JSON Schema with an object at its root, or why there is none. */
export const make = (schema: Schema.Top): Result.Result<object, string> =>
  Result.flatMap(
    Result.try({
      try: () => Schema.toJsonSchemaDocument(Schema.toCodecJson(schema)),
      // Effect throws if a schema has no JSON form.
      catch: (error) => (error instanceof Error ? error.message : String(error))
    }),
    ({ definitions, schema: root }) => {
      const object = resolve(root, definitions)
      if (object["type"] !== "object") return Result.fail("its root is no object")
      return Result.succeed(Object.keys(definitions).length === 0 ? object : { ...object, $defs: definitions })
    }
  )

/** Whether a schema has no parameters: nothing, an empty struct, or `Tool.EmptyParams`. */
export const isEmpty = ({ ast }: Schema.Top): boolean => {
  if (SchemaAST.isVoid(ast) || SchemaAST.isUndefined(ast)) return true
  if (!SchemaAST.isObjects(ast) || ast.propertySignatures.length > 0) return false
  return ast.indexSignatures.every(({ type }) => SchemaAST.isNever(type))
}

/** The API refuses a reference at the root, so the definition that it names takes its place. */
const resolve = (
  root: Readonly<Record<string, unknown>>,
  definitions: Readonly<Record<string, unknown>>
): Readonly<Record<string, unknown>> => {
  const { $ref: ref, ...rest } = root
  const prefix = "#/$defs/"
  if (!Predicate.isString(ref) || !ref.startsWith(prefix)) return root
  const target = definitions[ref.slice(prefix.length)]
  return Predicate.isObject(target) ? { ...target, ...rest } : root
}
