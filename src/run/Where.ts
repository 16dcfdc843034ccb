/**
 * `--where "column=value"`: selects the rows whose column has this value, in the form that the input has: `id=12` selects
 * `{"id":12}` and `{"id":"12"}`. `column!=value` selects the other rows, and `column!=` the ones whose column is there and
 * is neither empty nor null.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { ExitWith } from "./ExitWith.ts"
import * as Nearest from "./Nearest.ts"

/** Reads a condition on the rows of a schema. A column that no row can have is refused. */
export const parse = Effect.fnUntraced(function* (text: string, schema: Schema.Constraint) {
  const column = columnIn(text)
  const [before = "", ...after] = text.split("=")
  const value = after.join("=")
  if (column === "" || after.length === 0) {
    return yield* refuse(`--where "${text}" names no column and value; write it as --where "column=value"`)
  }
  const columns = columnsOf(schema)
  if (columns !== undefined && !columns.includes(column)) {
    const nearest = Nearest.named(column, columns)
    return yield* refuse(`--where: rows have no column "${column}"; the nearest are ${nearest}`)
  }
  const isEqual = (_row: unknown, encoded: unknown): boolean =>
    Predicate.hasProperty(encoded, column) && textOf(encoded[column]) === value
  if (!before.endsWith("!")) return isEqual
  const isMissing = (encoded: unknown) => !Predicate.hasProperty(encoded, column) || encoded[column] === null
  return (row: unknown, encoded: unknown): boolean => !isEqual(row, encoded) && !(value === "" && isMissing(encoded))
})

/** The column that a condition names. */
export const columnIn = (text: string): string => text.split("=", 1).join().replace(/!$/, "").trim()

const refuse = (message: string) => Effect.fail(new ExitWith(2, message))

/** A text as it is, any other value as JSON. */
const textOf = (value: unknown): string => (Predicate.isString(value) ? value : JSON.stringify(value))

/** The columns of the input, if the schema names them all. */
const columnsOf = (schema: Schema.Constraint): ReadonlyArray<string> | undefined => {
  const ast = SchemaAST.toEncoded(schema.ast)
  if (!SchemaAST.isObjects(ast) || ast.indexSignatures.length > 0) return undefined
  return ast.propertySignatures.map(({ name }) => String(name))
}
