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
  // A stage without an encoding gets Effect's codec. An encoding of the user may have another form.
  const own = chain.find((stage) => stage.encoding === undefined) ?? final
  if (SchemaAST.isNumber(own) && SchemaAST.isUnion(final)) return { schema: { type: "number" } }
  if (SchemaAST.isObjectKeyword(own)) return Shape.anyJson
  if (idOf(own) === "Duration" && SchemaAST.isUnion(final)) return Shape.duration
  const id = chain.map(idOf).find((one) => one !== undefined && one in formats)
  const isFormat = id !== undefined && SchemaAST.isString(final) && (id === idOf(own) || isEffects(final))
  return isFormat ? { schema: { type: "string", format: formats[id] ?? "" } } : undefined
}

const formats: Readonly<Record<string, string>> = { Date: "date-time", DateTimeUtc: "date-time", URL: "uri" }

/** The encoded side of `DateFromString`, `DateTimeUtcFromString` and `URLFromString`. */
const isEffects = ({ annotations = {} }: SchemaAST.AST): boolean =>
  /^a string that will be decoded as a (Date|DateTime\.Utc|URL)$/.test(String(annotations["expected"]))
