/**
 * Types of Effect that get another form than their JSON codec has, because the API's subset has a better one.
 */
import * as SchemaAST from "effect/SchemaAST"
import type { JsonSchema } from "./JsonSchema.ts"
import * as Shape from "./Shape.ts"
import { idOf } from "./Stages.ts"

/** The better form of a type; undefined if its codec has the form to send. */
export const special = (
  chain: ReadonlyArray<SchemaAST.AST>
): (Shape.Mapping & { readonly schema: JsonSchema }) | undefined => {
  const final = chain.at(-1)
  if (final === undefined) return undefined
  for (const stage of chain) {
    if (SchemaAST.isNumber(stage) && final !== stage && SchemaAST.isUnion(final)) return { schema: { type: "number" } }
    if (SchemaAST.isObjectKeyword(stage)) return Shape.anyJson
    switch (idOf(stage)) {
      case "Date":
      case "DateTimeUtc":
        return SchemaAST.isString(final) ? { schema: { type: "string", format: "date-time" } } : undefined
      case "URL":
        return SchemaAST.isString(final) ? { schema: { type: "string", format: "uri" } } : undefined
      case "Duration":
        return SchemaAST.isUnion(final) ? Shape.duration : undefined
    }
  }
  return undefined
}
