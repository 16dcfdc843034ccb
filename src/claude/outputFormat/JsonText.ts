/**
 * A value that is sent as JSON in a text, with its schema in words: the API's subset has no recursion, and its limits
 * leave no room for some parts of a schema.
 */
import * as Json from "../Json.ts"
import { sentence } from "./Constraints.ts"
import type { JsonSchema } from "./JsonSchema.ts"
import * as Shape from "./Shape.ts"

const opening = "JSON text that satisfies the schema "

/** Describes a schema in the text of a description. */
export const words = (schema: unknown): string => `${opening}${JSON.stringify(schema)}`

/** A text with JSON of this schema. A text that is not JSON is taken as it is, since a model may forget the quotes. */
export const of = (
  schema: unknown,
  before: ReadonlyArray<string> = []
): Shape.Mapping & { readonly schema: JsonSchema } => ({
  schema: { type: "string", description: sentence([...before, words(schema)]) },
  read: Shape.anyJson.read,
  write: Shape.anyJson.write
})

/** Whether these are the words of a text with JSON, which may stand for null too. A user may write of JSON in other words. */
export const isIn = (description: string): boolean =>
  description.includes(opening) || Shape.anyJson.constraints.some((words) => description.includes(words))

/** The schema in the words of a description; undefined if there is none. */
export const schemaIn = (description: string): unknown => {
  const at = description.indexOf(opening)
  if (at === -1) return undefined
  const rest = description.slice(at + opening.length)
  // What follows the schema is unknown, so the schema ends at the bracket that closes its first one.
  let depth = 0
  for (const match of rest.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (/[{[]/.test(match[0][0] ?? "")) depth++
    else if (/[}\]]/.test(match[0][0] ?? "") && --depth === 0) return Json.parse(rest.slice(0, match.index + 1))
  }
  return undefined
}
