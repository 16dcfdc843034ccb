/**
 * The input whose rows a run has claimed, as the state keeps it, so that the next run need not read all of it.
 */
import * as Schema from "effect/Schema"

export const Source = Schema.Struct({
  /** It is the same as long as the input is. */
  fingerprint: Schema.String,
  /** Rows of the input, invalid ones included. */
  total: Schema.Int,
  invalid: Schema.Int,
  /** Messages for the first invalid rows. */
  problems: Schema.Array(Schema.String),
  /** The places of the first rows that cannot be read, counted from 0. */
  unreadable: Schema.Array(Schema.Int)
})
export type Source = typeof Source.Type

const Stored = Schema.fromJsonString(Source)

/** The column of a table that keeps a source, or none. */
export const Column = Schema.NullOr(Stored)

export const encode = Schema.encodeSync(Column)
