/**
 * Lines of JSON objects as CSV or TSV. A value that is no text is written as JSON, so that `true` and `12` are plain, and
 * null is an empty cell. Records end in CRLF, as RFC 4180 and spreadsheets have it.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import * as Csv from "effect/encoding/Csv"
import * as Columns from "./Columns.ts"

/**
 * Encodes lines. It runs them twice, because the first record names all columns. `known` are columns that it names also
 * where no line has them.
 */
export const encode =
  (delimiter: "," | "\t", known: ReadonlyArray<string> = []) =>
  <E, R>(lines: Stream.Stream<string, E, R>): Stream.Stream<Uint8Array, E, R> =>
    Stream.unwrap(
      Effect.map(Columns.of(lines, known), (columns) => {
        if (columns.length === 0) return Stream.empty
        const records = Stream.map(lines, (line): ReadonlyArray<string> => {
          const object = Columns.parse(line)
          return columns.map((column) => (Object.hasOwn(object, column) ? cellOf(object[column]) : ""))
        })
        return Stream.pipeThroughChannel(Stream.concat(Stream.make(columns), records), Csv.encode({ delimiter }))
      })
    )

const cellOf = (value: unknown): string => {
  if (value === null) return ""
  return Predicate.isString(value) ? value : JSON.stringify(value)
}
