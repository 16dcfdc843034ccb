/**
 * The command line that began the last run of a job, so that it can be run again without being written again. A program
 * that runs a job stores none.
 */
import * as Schema from "effect/Schema"

export const Command = Schema.Struct({
  /** The working folder: relative paths are relative to it. */
  folder: Schema.String,
  /** The name of the command, and its arguments. */
  args: Schema.Array(Schema.String),
  /** The flags and arguments whose values are not stored, because they are secrets or came from standard input. */
  omitted: Schema.Array(Schema.String)
})
export type Command = typeof Command.Type

/** The column of a job. */
export const Column = Schema.NullOr(Schema.fromJsonString(Command))

/** The value of the column; null keeps the earlier one. */
export const encode = (command: Command | undefined): string | null => encodeColumn(command ?? null)

const encodeColumn = Schema.encodeSync(Column)
