/**
 * Where a row is in its input, and the error of a row that cannot be read.
 */
import * as Schema from "effect/Schema"

/** The place of a row: a line of a file, an element of an iterable, or a whole file. They are counted from 1. */
export const Place = Schema.Struct({
  source: Schema.String,
  unit: Schema.Literals(["line", "row", "file"]),
  number: Schema.Int
})
export type Place = typeof Place.Type

/** A place in words: `tickets.ndjson line 12`. */
export const at = ({ source, unit, number }: Place): string =>
  unit === "file" ? source : `${source} ${unit} ${number}`

/** A row that does not fit its schema, or cannot be read at all. */
export class RowInvalid extends Schema.TaggedError<RowInvalid>()("RowInvalid", {
  place: Place,
  /** Every wrong field: what it must be, and the first characters of its value, without secrets. */
  detail: Schema.String
}) {
  override get message() {
    return `${at(this.place)}: ${this.detail}; fix the ${this.place.unit}, and run again`
  }
}
