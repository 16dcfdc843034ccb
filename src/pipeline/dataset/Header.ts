/**
 * The header of a table: its columns, and rows of cells as records of columns.
 */
import * as Result from "effect/Result"

export interface Header {
  readonly columns: ReadonlyArray<string>
  /** The record of a row with as many cells. */
  readonly record: (cells: ReadonlyArray<string>) => Readonly<Record<string, string>>
}

/** Reads a header. A column without a name is named by its position, and two columns cannot have one name. */
export const make = (cells: ReadonlyArray<string>): Result.Result<Header, string> => {
  const columns = cells.map((name, index) => (name.trim() === "" ? `column${index + 1}` : name))
  for (const [index, name] of columns.entries()) {
    const first = columns.indexOf(name)
    if (first !== index) {
      return Result.fail(`the columns ${first + 1} and ${index + 1} of the header are both "${name}"; rename one`)
    }
  }
  // A copy is faster than an object that grows. It has each column, so that assigning one sets no prototype.
  const empty: Readonly<Record<string, string>> = Object.fromEntries(columns.map((name) => [name, ""]))
  const record = (cells: ReadonlyArray<string>) => {
    const row = { ...empty }
    for (let index = 0; index < columns.length; index++) row[columns[index] ?? ""] = cells[index] ?? ""
    return row
  }
  return Result.succeed({ columns, record })
}
