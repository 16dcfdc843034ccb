/**
 * The rows of a job's input with their keys, in pages. A row without a usable key is invalid.
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Dataset from "./Dataset.ts"
import * as InputColumns from "./InputColumns.ts"
import type { Job } from "./Job.ts"
import * as Page from "./Page.ts"
import { messageOf } from "./RowFailure.ts"
import * as RowKey from "./RowKey.ts"

/** A row that can be run. */
export interface KeyedRow<Row> {
  readonly key: string
  /** The position in the input, from 0. Invalid rows count. */
  readonly ordinal: number
  readonly place: Dataset.Place
  readonly row: Row
  /** The row as the input has it. */
  readonly encoded: unknown
  readonly form: Dataset.Form
}

/** Consecutive rows, of which the first has the ordinal `first`. */
export interface KeyedPage<Row> {
  readonly first: number
  readonly page: Page.Page<Row, FileSystem.FileSystem>
  /** Decodes all rows. */
  readonly rows: Effect.Effect<ReadonlyArray<Keyed<Row>>, never, FileSystem.FileSystem>
  /** Decodes the row with this ordinal. */
  readonly row: (ordinal: number) => Effect.Effect<Keyed<Row>, never, FileSystem.FileSystem>
}

/** A row with its key, or the reason that it cannot be run. */
export type Keyed<Row> = Result.Result<KeyedRow<Row>, Dataset.RowInvalid>

/** What of a job decides which rows it has. */
export type Input<Row> = Pick<Job<Row, unknown, unknown>, "source" | "key"> &
  Partial<Pick<Job<Row, unknown, unknown>, "keepInput" | "output">>

/** The pages of an input. */
export const pages = <Row>(input: Input<Row>) => {
  const rowOf = keyed(input)
  return Stream.mapAccum(
    input.source.pages,
    () => 0,
    (first, page) => {
      const rows = Effect.map(Page.decode(page), (rows) => rows.map((row, index) => rowOf(row, first + index)))
      const row = (ordinal: number) => Effect.map(page.decode(ordinal - first), (row) => rowOf(row, ordinal))
      return [first + page.size, [{ first, page, rows, row } satisfies KeyedPage<Row>]]
    }
  )
}

const keyed = <Row>(input: Input<Row>) => {
  const pick = InputColumns.picker(input)
  return (row: Dataset.Row<Row>, ordinal: number): Keyed<Row> => {
    if (Result.isFailure(row)) return Result.fail(row.failure)
    const { encoded, form, place, value } = row.success
    const refuse = (detail: string) => Result.fail(new Dataset.RowInvalid({ place, detail }))
    const key = Result.try(() => input.key(value))
    if (Result.isFailure(key)) return refuse(`its key cannot be computed: ${messageOf(key.failure)}`)
    const columns = pick(key.success, encoded)
    const problem = RowKey.problemOf(key.success) ?? Option.getOrUndefined(Result.getFailure(columns))
    return problem === undefined
      ? Result.succeed({ key: key.success, ordinal, place, row: value, encoded, form })
      : refuse(problem)
  }
}
