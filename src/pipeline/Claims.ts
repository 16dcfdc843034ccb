/**
 * Takes up the rows of an input before the run, to count and check them. The input streams through in pages, so memory
 * does not grow with it.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
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
  const problems: Array<string | Duplicate> = []
  let total = 0
  let done = 0
  let invalid = 0
  const refuse = (problem: string | Duplicate) => {
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
        const claim = Result.isSuccess(row) ? claims.next().value : undefined
        if (Result.isFailure(row)) refuse(row.failure.message)
        else if (claim?.status === "duplicate") refuse({ ...row.success, earlier: claim.ordinal })
        else if (claim?.status === "done") done += 1
      }
    })
  )
  yield* Event.emit(() => ({ _tag: "rows-counted", total: total - invalid, done }))
  return { total, done, invalid, problems: yield* describe(input, problems) } satisfies Claims
})

/** A row whose key an earlier row has. */
interface Duplicate extends Pick<KeyedRow.KeyedRow<unknown>, "key" | "place"> {
  /** The ordinal of the first row with the key. */
  readonly earlier: number
}

/** Names both rows of a repeated key. To find the first of them, it reads the input once more. */
const describe = Effect.fnUntraced(function* <Row>(
  input: KeyedRow.Input<Row>,
  problems: ReadonlyArray<string | Duplicate>
) {
  const wanted = new Set(problems.flatMap((problem) => (Predicate.isString(problem) ? [] : [problem.earlier])))
  const places = new Map<number, Dataset.Place>()
  if (wanted.size > 0) {
    yield* KeyedRow.pages(input).pipe(
      Stream.map(({ first, page }) => {
        for (const ordinal of wanted) {
          if (ordinal < first || ordinal >= first + page.size) continue
          places.set(ordinal, page.place(ordinal - first))
          wanted.delete(ordinal)
        }
      }),
      Stream.takeWhile(() => wanted.size > 0),
      Stream.runDrain
    )
  }
  return problems.map((problem) => {
    if (Predicate.isString(problem)) return problem
    const place = places.get(problem.earlier)
    const earlier = place === undefined ? "an earlier row" : `${place.unit} ${place.number}`
    const key = RowKey.show(problem.key)
    return `${Dataset.at(problem.place)}: ${earlier} has the key "${key}" too; make keys unique and run again`
  })
})
