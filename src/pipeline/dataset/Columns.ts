/**
 * The columns of lines of JSON objects, for formats that name all columns first. Most lines have the same ones, but any line
 * may lack some or have more.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"

/** A line of JSON as columns. A line that is no object is the column `value`. */
export const parse = (line: string): Readonly<Record<string, unknown>> => {
  // The caller wrote the line itself, so it is JSON.
  const value: unknown = JSON.parse(line)
  return Predicate.isObject(value) ? value : { value }
}

/**
 * The known columns and the columns of all lines, in the order of the lines: a new column comes after the one that it
 * follows in its line.
 */
export const of = <E, R>(
  lines: Stream.Stream<string, E, R>,
  known: ReadonlyArray<string> = []
): Effect.Effect<ReadonlyArray<string>, E, R> =>
  Effect.suspend(() => {
    const columns = make()
    columns.add(known)
    return Effect.map(
      Stream.runForEachArray(lines, (chunk) =>
        Effect.sync(() => {
          for (const line of chunk) columns.add(Object.keys(parse(line)))
        })
      ),
      () => columns.names
    )
  })

/** Collects columns. */
export const make = () => {
  const names: Array<string> = []
  const known = new Set<string>()
  const add = (row: ReadonlyArray<string>) => {
    for (const [index, name] of row.entries()) {
      if (known.has(name)) continue
      known.add(name)
      const before = row[index - 1]
      names.splice(before === undefined ? 0 : names.indexOf(before) + 1, 0, name)
    }
  }
  return { names, add }
}
