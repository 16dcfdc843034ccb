/**
 * Takes up the rows of an input: once before the run, to count and check them, and once more to run them. The input
 * streams through in pages, so memory does not grow with it.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Event from "../claude/Event.ts"
import * as Dataset from "./Dataset.ts"
import type { Job } from "./Job.ts"
import { Journal, type Row as PendingRow } from "./Journal.ts"
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
  yield* Stream.runForEach(
    numbered(job.source),
    Effect.fnUntraced(function* ({ first, page }) {
      const rows = (yield* Page.decode(page)).map((row, index) => keyed(job, row, first + index))
      const states = (yield* journal.claim(Arr.getSuccesses(rows))).values()
      total += page.size
      for (const row of rows) {
        const state = Result.isSuccess(row) ? states.next().value : undefined
        if (Result.isFailure(row)) refuse(row.failure.message)
        else if (state === "duplicate") refuse(duplicate(row.success.place, row.success.key))
        else if (state === "done") done += 1
      }
    })
  )
  yield* Event.emit(() => ({ _tag: "rows-counted", total: total - invalid, done }))
  return { total, done, invalid, problems } satisfies Claims
})

/**
 * The rows that are still to run, in input order: the pending rows of the journal that the source still has. Other rows
 * are read and not decoded.
 */
export const pendingRows = <Row>(job: AnyJob<Row>) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const pull = yield* Stream.toPull((yield* Journal).pending)
      const none: ReadonlyArray<PendingRow> = []
      const nextPage = Pull.catchDone(pull, () => Effect.succeed(none))
      let pending = (yield* nextPage).values()
      let next = pending.next()
      if (next.done) return Stream.empty
      const advance = Effect.suspend(() => {
        next = pending.next()
        if (!next.done) return Effect.void
        return Effect.map(nextPage, (page) => {
          pending = page.values()
          next = pending.next()
        })
      })
      const pendingIn = Effect.fnUntraced(function* ({ first, page }: Numbered<Row>) {
        const found: Array<KeyedRow<Row>> = []
        while (!next.done && next.value.ordinal < first + page.size) {
          const { key, ordinal } = next.value
          const row = keyed(job, yield* page.decode(ordinal - first), ordinal)
          if (Result.isSuccess(row) && row.success.key === key) found.push(row.success)
          yield* advance
        }
        return found
      })
      return numbered(job.source).pipe(
        Stream.takeWhile(() => !next.done),
        Stream.mapEffect(pendingIn),
        Stream.flatMap(Stream.fromIterable)
      )
    })
  )

/** A page of the input, and the ordinal of its first row. */
interface Numbered<Row> {
  readonly first: number
  readonly page: Page.Page<Row, FileSystem.FileSystem>
}

const numbered = <Row>({ pages }: Dataset.Dataset<Row>) =>
  Stream.mapAccum(
    pages,
    () => 0,
    (first, page) => [first + page.size, [{ first, page } satisfies Numbered<Row>]]
  )

/** A row with its key. A row without a usable key is invalid. */
const keyed = <Row>(
  job: AnyJob<Row>,
  row: Dataset.Row<Row>,
  ordinal: number
): Result.Result<KeyedRow<Row>, Dataset.RowInvalid> => {
  if (Result.isFailure(row)) return Result.fail(row.failure)
  const { place, value } = row.success
  const refuse = (detail: string) => Result.fail(new Dataset.RowInvalid({ place, detail }))
  const key = Result.try(() => job.key(value))
  if (Result.isFailure(key)) return refuse(`its key cannot be computed: ${messageOf(key.failure)}`)
  const problem = RowKey.problemOf(key.success)
  return problem === undefined ? Result.succeed({ key: key.success, ordinal, place, row: value }) : refuse(problem)
}

const duplicate = (place: Dataset.Place, key: string) =>
  `${Dataset.at(place)}: an earlier row has the key "${RowKey.show(key)}" too; make keys unique and run again`
