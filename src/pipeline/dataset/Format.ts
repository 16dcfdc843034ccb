/**
 * What a file format is: the endings of its files, a reader, and a writer. A reader gives rows as the file has them, in
 * pages, and decodes no row by a schema.
 */
import type * as FileSystem from "effect/FileSystem"
import type * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { DatasetFailed } from "./DatasetFailed.ts"
import type { Place } from "./Place.ts"

/** The length of the longest row, in characters or bytes: that of the longest request to Claude. */
export const longestRow = 32_000_000

/** Consecutive rows of a file. Indexes count from 0. */
export interface EncodedPage {
  readonly size: number
  /** A row as the file has it, or the reason that it cannot be read. It may parse the row at each call. */
  readonly value: (index: number) => Result.Result<unknown, string>
  readonly place: (index: number) => Place
  /** A row that cannot be read, as far as the file has it as a value: a line as text, or a list of cells. */
  readonly raw: (index: number) => unknown
  /** The bytes of the file since the page before, without compression. Together, the pages have all its bytes. */
  readonly bytes: Uint8Array | undefined
  /** The columns of all rows, if the file names them. */
  readonly columns?: ReadonlyArray<string>
}

/** A file that is read. */
export interface InputFile {
  readonly path: string
  /** Whether the file itself has other bytes than `bytes`, so that it cannot be read at any position. */
  readonly isCompressed: boolean
  /** Its content from the start, without compression. */
  readonly bytes: Stream.Stream<Uint8Array, DatasetFailed, FileSystem.FileSystem>
}

/** What is known of the types of columns. */
export interface Known {
  /** Files that have some of the columns, such as the input of the rows. If two have a column, the later file wins. */
  readonly files?: ReadonlyArray<string>
  /** The schema of the results, if `ResultLine` made the lines. It wins over a file. */
  readonly results?: Schema.Constraint
}

/** A file format. */
export interface Format {
  /** In lower case, with the dot. */
  readonly endings: ReadonlyArray<string>
  /**
   * What the values of a row are. `json`: the JSON form of the schema. `cells`: a record of texts and other simple values,
   * which become the JSON form by the schema (`Cells.fit`).
   */
  readonly values: "json" | "cells"
  readonly read: (file: InputFile) => Stream.Stream<EncodedPage, DatasetFailed, FileSystem.FileSystem>
  /**
   * The bytes of a file with these rows, each a line of JSON. It may run the lines twice, such as to find the columns. A
   * format with typed columns gives them the types that are known.
   */
  readonly write: <E, R>(
    lines: Stream.Stream<string, E, R>,
    known?: Known
  ) => Stream.Stream<Uint8Array, E | DatasetFailed, R | FileSystem.FileSystem>
}
