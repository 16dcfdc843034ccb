/**
 * Takes up the rows of an input: once before the run, to count and check them, and once more to run them. The input
 * streams through in pages, so memory does not grow with it.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Event from "../claude/Event.ts"
import * as Dataset from "./Dataset.ts"
import type { Job } from "./Job.ts"
import { Journal, type Row as PendingRow } from "./Journal.ts"
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

/** Rows that are claimed at once. */
const pageSize = 256

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
  yield* Stream.runForEach(
    Stream.grouped(keyedRows(job), pageSize),
    Effect.fnUntraced(function* (page) {
      const states = (yield* journal.claim(Arr.getSuccesses(page))).values()
      for (const row of page) {
        total += 1
        const state = Result.isSuccess(row) ? states.next().value : undefined
        if (Result.isFailure(row)) refuse(row.failure.message)
        else if (state === "duplicate") refuse(duplicate(row.success.place, row.success.key))
        else if (state === "done") {
          done += 1
          yield* Event.emit(() => ({ _tag: "row-skipped", index: row.success.ordinal }))
        }
      }
    })
  )
  yield* Event.emit(() => ({ _tag: "rows-counted", total: total - invalid }))
  return { total, done, invalid, problems } satisfies Claims
})

/** The rows that are still to run, in input order: the pending rows of the journal that the source still has. */
export const pendingRows = <Row>(job: AnyJob<Row>) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const pull = yield* Stream.toPull(Stream.rechunk((yield* Journal).pending, 1))
      const next = Pull.catchDone(
        Effect.map(pull, ([row]): PendingRow | undefined => row),
        () => Effect.undefined
      )
      let pending = yield* next
      if (pending === undefined) return Stream.empty
      return keyedRows(job).pipe(
        Stream.takeWhile(() => pending !== undefined),
        Stream.filterMap((row) => row),
        Stream.filterEffect(
          Effect.fnUntraced(function* ({ key, ordinal }) {
            while (pending !== undefined && pending.ordinal < ordinal) pending = yield* next
            return pending?.ordinal === ordinal && pending.key === key
          })
        )
      )
    })
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
