/**
 * Takes up the rows of an input before the run, to count and check them. The input streams through in pages, so memory
 * does not grow with it.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Event from "../claude/Event.ts"
import * as Dataset from "./Dataset.ts"
import { Journal } from "./Journal.ts"
import * as KeyedRow from "./KeyedRow.ts"
import * as RowKey from "./RowKey.ts"

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

/** Claims every row of the input in the journal. */
export const claimRows = Effect.fnUntraced(function* <Row>(input: KeyedRow.Input<Row>) {
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
    KeyedRow.pages(input),
    Effect.fnUntraced(function* (page) {
      const rows = yield* page.rows
      const claims = (yield* journal.claim(Arr.getSuccesses(rows))).values()
      total += rows.length
      for (const row of rows) {
        const status = Result.isSuccess(row) ? claims.next().value?.status : undefined
        if (Result.isFailure(row)) refuse(row.failure.message)
        else if (status === "duplicate") refuse(duplicate(row.success.place, row.success.key))
        else if (status === "done") done += 1
      }
    })
  )
  yield* Event.emit(() => ({ _tag: "rows-counted", total: total - invalid, done }))
  return { total, done, invalid, problems } satisfies Claims
})

const duplicate = (place: Dataset.Place, key: string) =>
  `${Dataset.at(place)}: an earlier row has the key "${RowKey.show(key)}" too; make keys unique and run again`
