/**
 * Statements that write many rows at once. Their sizes are powers of two, so few texts exist, and the database prepares
 * each of them once.
 */
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import { placeholder } from "./Dialect.ts"

/** Rows of the largest statement. */
const largest = 64

/** Writes rows, each a list of its parameters. */
export type Bulk = (
  connection: Connection,
  rows: ReadonlyArray<ReadonlyArray<unknown>>
) => Effect.Effect<void, SqlError>

/** `statement` makes the SQL around a list of values, such as `(?, ?), (?, ?)`. */
export const make = (sql: SqlClient, columns: number, statement: (values: string) => string): Bulk => {
  const mark = placeholder(sql)
  const texts = new Map<number, string>()
  const textFor = (count: number) => {
    const known = texts.get(count)
    if (known !== undefined) return known
    const values = Array.from({ length: count }, (_, row) => {
      const marks = Array.from({ length: columns }, (_, column) => mark(row * columns + column + 1))
      return `(${marks.join(", ")})`
    })
    const text = statement(values.join(", "))
    texts.set(count, text)
    return text
  }
  return (connection, rows) => {
    let written = 0
    const next = Effect.suspend(() => {
      const count = Math.min(largest, 2 ** Math.floor(Math.log2(rows.length - written)))
      const page = rows.slice(written, written + count)
      written += count
      return connection.executeRaw(textFor(count), page.flat())
    })
    return Effect.whileLoop({ while: () => written < rows.length, body: () => next, step: () => undefined })
  }
}
