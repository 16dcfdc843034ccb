/**
 * `--where "column=value"`: selects the rows whose column has this value, in the form that the input has: `id=12` selects
 * `{"id":12}` and `{"id":"12"}`.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { ExitWith } from "./ExitWith.ts"

/** Reads a condition on the rows of a schema. A column that no row can have is refused. */
export const parse = Effect.fnUntraced(function* (text: string, schema: Schema.Constraint) {
  const at = text.indexOf("=")
  const [column, value] = [text.slice(0, at).trim(), text.slice(at + 1)]
  if (at < 1) {
    return yield* refuse(`--where "${text}" names no column and value; write it as --where "column=value"`)
  }
  const columns = columnsOf(schema)
  if (columns !== undefined && !columns.includes(column)) {
    const near = columns.toSorted((one, other) => distance(one, column) - distance(other, column)).slice(0, maxNamed)
    const names = near.map((name) => `"${name}"`).join(", ")
    return yield* refuse(`--where: rows have no column "${column}"; the nearest are ${names}`)
  }
  return (_row: unknown, encoded: unknown): boolean =>
    Predicate.hasProperty(encoded, column) && textOf(encoded[column]) === value
})

const refuse = (message: string) => Effect.fail(new ExitWith(2, message))

const maxNamed = 5

/** A text as it is, any other value as JSON. */
const textOf = (value: unknown): string => (Predicate.isString(value) ? value : JSON.stringify(value))

/** The columns of the input, if the schema names them all. */
const columnsOf = (schema: Schema.Constraint): ReadonlyArray<string> | undefined => {
  const ast = SchemaAST.toEncoded(schema.ast)
  if (!SchemaAST.isObjects(ast) || ast.indexSignatures.length > 0) return undefined
  return ast.propertySignatures.map(({ name }) => String(name))
}

/** The number of letters to insert, remove or replace to make one name of another (Levenshtein). */
const distance = (one: string, other: string): number => {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [at, letter] of [...one].entries()) {
    const next = [at + 1]
    for (const [index, wanted] of [...other].entries()) {
      const replaced = (row[index] ?? 0) + Number(letter !== wanted)
      next.push(Math.min(replaced, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
