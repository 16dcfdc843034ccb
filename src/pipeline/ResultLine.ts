/**
 * A result as a line of the output: the key of its row, then its fields, so that lines can be joined with the input
 * again. What is no record, or has a `key` of its own, stands under `value`.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"

/** The line of a result. */
export const encode = <Out>(output: Schema.ConstraintCodec<Out, unknown>, key: string, out: Out) =>
  Effect.map(Schema.encodeEffect(Schema.toCodecJson(output))(out), (encoded) =>
    JSON.stringify(
      Predicate.isObject(encoded) && !Object.hasOwn(encoded, "key")
        ? Object.assign({ key }, encoded)
        : { key, value: encoded }
    )
  )

/** Whether results have a field `key`, as far as their schema knows. */
export const hasKey = (output: Schema.Constraint): boolean =>
  mayHaveKey(SchemaAST.toEncoded(Schema.toCodecJson(output).ast))

const mayHaveKey = (ast: SchemaAST.AST): boolean => {
  if (SchemaAST.isUnion(ast)) return ast.types.some(mayHaveKey)
  if (SchemaAST.isSuspend(ast)) return mayHaveKey(ast.thunk())
  return SchemaAST.isObjects(ast) && ast.propertySignatures.some(({ name }) => name === "key")
}
