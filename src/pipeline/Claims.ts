/**
 * Takes up the rows of an input: once before the run, to count and check them, and once more to run them. The input
 * streams through in pages, so memory does not grow with it.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Event from "../claude/Event.ts"
import * as Dataset from "./Dataset.ts"
import type { Job } from "./Job.ts"
import { Journal } from "./Journal.ts"
import { messageOf } from "./RowFailure.ts"
import * as RowKey from "./RowKey.ts"

/** A row that can be run. */
export interface KeyedRow<Row> {
  readonly key: string
  /** The position in the input, from 0. Invalid rows count. */
  readonly ordinal: number
  readonly place: Dataset.Place
  readonly row: Row
}

/** What the input holds. */
export interface Claims {
  /** All rows, invalid ones included. */
  readonly total: number
  /** Rows that an earlier run finished. */
  readonly done: number
  readonly invalid: number
  /** Messages for the first `maxReported` invalid rows. */
  readonly problems: ReadonlyArray<string>
}

/** How many problems a summary lists. The journal has all failures. */
export const maxReported = 20

type AnyJob<Row> = Pick<Job<Row, unknown, unknown>, "source" | "key">

/** Claims every row of the input in the journal. */
export const claimRows = Effect.fnUntraced(function* <Row>(job: AnyJob<Row>) {
  const journal = yield* Journal
  const problems: Array<string> = []
  let total = 0
  let done = 0
  let invalid = 0
  const refuse = (problem: string) => {
    invalid += 1
    if (problems.length < maxReported) problems.push(problem)
  }
  yield* Stream.runForEach(keyedRows(job), (row) => {
    total += 1
    if (Result.isFailure(row)) return Effect.sync(() => refuse(row.failure.message))
    const { key, ordinal, place } = row.success
    return Effect.flatMap(journal.claim(key, ordinal), (state) => {
      if (state === "duplicate") refuse(duplicate(place, key))
      if (state !== "done") return Effect.void
      done += 1
      return Event.emit(() => ({ _tag: "row-skipped", index: ordinal }))
    })
  })
  yield* Event.emit(() => ({ _tag: "rows-counted", total: total - invalid }))
  return { total, done, invalid, problems } satisfies Claims
})

/** The rows that are still to run, in the order of the input. */
export const pendingRows = <Row>(job: AnyJob<Row>) =>
  keyedRows(job).pipe(
    Stream.filterMap((row) => row),
    Stream.filterEffect(({ key, ordinal }) => Journal.use((journal) => journal.isPending(key, ordinal)))
  )

/** The rows of the input with their keys. A row without a usable key is invalid. */
const keyedRows = <Row>(job: AnyJob<Row>) =>
  Stream.map(job.source.rows, (row, ordinal) =>
    Result.flatMap(row, ({ place, value }): Result.Result<KeyedRow<Row>, Dataset.RowInvalid> => {
      const refuse = (detail: string) => Result.fail(new Dataset.RowInvalid({ place, detail }))
      const key = Result.try(() => job.key(value))
      if (Result.isFailure(key)) return refuse(`its key cannot be computed: ${messageOf(key.failure)}`)
      const problem = RowKey.problemOf(key.success)
      return problem === undefined ? Result.succeed({ key: key.success, ordinal, place, row: value }) : refuse(problem)
    })
  )

const duplicate = (place: Dataset.Place, key: string) =>
  `${Dataset.at(place)}: an earlier row has the key "${RowKey.show(key)}" too; make keys unique and run again`
