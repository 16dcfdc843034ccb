/**
 * How values of a Parquet column, other than null, become JSON and come back.
 */
export interface Codec {
  /** From what the file stores. */
  readonly decode: (stored: unknown) => unknown
  /** To what the file stores, or `misfit`. */
  readonly encode: (value: unknown) => unknown
}

/** What `encode` returns for a value that the column cannot store. */
export const misfit = Symbol("misfit")
