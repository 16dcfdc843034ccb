/**
 * Claims the rows of an input before the run, to count and check them. The input streams through in pages, so memory
 * does not grow with it.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Redact from "../claude/Redact.ts"
import * as Dataset from "./Dataset.ts"
import * as Fingerprint from "./Fingerprint.ts"
import { Journal, type Row as Claimed, type Source } from "./Journal.ts"
import * as KeyedRow from "./KeyedRow.ts"
import * as RowKey from "./RowKey.ts"

/** What the input holds. */
export interface Claims<Row> {
  /** All rows, invalid ones included. */
  readonly total: number
  /** Rows that an earlier run finished. */
  readonly done: number
  readonly invalid: number
  /** The positions of rows whose key an earlier row has; known only if all rows are claimed. */
  readonly duplicates: ReadonlySet<number>
  /** Whether the input is another one than that of the earlier run, which has finished rows. */
  readonly inputChanged: boolean
  /** Messages for the first `maxReported` invalid rows. */
  readonly problems: ReadonlyArray<string>
  /** The wanted rows that the input has. */
  readonly found: ReadonlyArray<KeyedRow.KeyedRow<Row>>
}

/** How many problems a summary lists. The journal has all failures. */
export const maxReported = 20

/**
 * Claims every row of the input in the journal. Where the input is the one of the earlier run, that run's claims hold,
 * and only the wanted rows are decoded, unless `listsInvalid` asks for all invalid rows and there are some. `wanted` are
 * rows of the earlier run.
 */
export const claimRows = Effect.fnUntraced(function* <Row>(
  input: KeyedRow.Input<Row>,
  wanted: ReadonlyArray<Claimed> = [],
  listsInvalid = false
) {
  const journal = yield* Journal
  const earlier = journal.source
  const same = earlier && (yield* readSame(input, earlier, wanted))
  const known = listsInvalid && same !== undefined && same.invalid > 0 ? undefined : same
  if (known !== undefined) yield* journal.reclaim
  const claimed = known === undefined ? yield* claimAll(input, wanted) : { ...known, duplicates: new Set<number>() }
  const { duplicates, found, invalid, problems, total } = claimed
  const { done } = yield* journal.counts
  const inputChanged = earlier !== undefined && same === undefined && done > 0
  return { total, done, invalid, duplicates, inputChanged, problems, found } satisfies Claims<Row>
})

/**
 * Reads an input that has the same rows as then; undefined if it has other rows. A row that could not be read then may be
 * readable by today's program.
 */
export const readSame = Effect.fnUntraced(function* <Row>(
  input: KeyedRow.Input<Row>,
  earlier: Source,
  wanted: ReadonlyArray<Claimed>
) {
  const fingerprint = Fingerprint.make(input)
  const ordinals = [...earlier.unreadable, ...wanted.map(({ ordinal }) => ordinal)]
  const found: Array<KeyedRow.KeyedRow<Row>> = []
  yield* Stream.runForEach(
    KeyedRow.pages(input),
    Effect.fnUntraced(function* (page) {
      yield* fingerprint.add(page)
      for (const ordinal of ordinals) {
        if (ordinal < page.first || ordinal >= page.first + page.page.size) continue
        const row = yield* page.row(ordinal)
        if (Result.isSuccess(row)) found.push(row.success)
      }
    })
  )
  const isReadable = found.some(({ ordinal }) => earlier.unreadable.includes(ordinal))
  return isReadable || fingerprint.end() !== earlier.fingerprint ? undefined : { ...earlier, found }
})

/** Claims the rows one by one, and stores the fingerprint of the input, if it has one. */
const claimAll = Effect.fnUntraced(function* <Row>(input: KeyedRow.Input<Row>, wanted: ReadonlyArray<Claimed>) {
  const journal = yield* Journal
  const keys = new Set(wanted.map(({ key }) => key))
  const found: Array<KeyedRow.KeyedRow<Row>> = []
  const fingerprint = Fingerprint.make(input)
  const problems: Array<string | Duplicate> = []
  const unreadable: Array<number> = []
  const duplicates = new Set<number>()
  let total = 0
  let invalid = 0
  const redact = yield* Redact.Redactor
  const refuse = (problem: string | Duplicate) => {
    invalid += 1
    if (problems.length < maxReported) problems.push(problem)
  }
  yield* Stream.runForEach(
    KeyedRow.pages(input),
    Effect.fnUntraced(function* (page) {
      yield* fingerprint.add(page)
      const rows = yield* page.rows
      const claims = (yield* journal.claim(Arr.getSuccesses(rows))).values()
      for (const row of rows) {
        const claim = Result.isSuccess(row) ? claims.next().value : undefined
        if (Result.isFailure(row)) {
          refuse(row.failure.message)
          if (unreadable.length < maxReported) unreadable.push(total)
        } else if (claim?.status === "duplicate") {
          refuse({ ...row.success, earlier: claim.ordinal })
          duplicates.add(total)
        } else if (keys.has(row.success.key)) found.push(row.success)
        total += 1
      }
    })
  )
  const source = { total, invalid, problems: (yield* describe(input, problems)).map(redact), unreadable }
  const hash = fingerprint.end()
  if (hash !== undefined) yield* journal.setSource({ ...source, fingerprint: hash })
  return { ...source, duplicates, found }
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
    const earlier = place === undefined ? "an earlier row" : nearby(place, problem.place)
    if (input.key === RowKey.ofContent) return `${Dataset.at(problem.place)}: ${sameRow(earlier)}`
    const key = RowKey.show(problem.key)
    return `${Dataset.at(problem.place)}: ${earlier} has the key "${key}" too; make keys unique and run again`
  })
})

const sameRow = (earlier: string) =>
  `${earlier} is the same row; remove one of them, or add a column that tells them apart, and run again`

/** A place as a row of the same input names it: without the file, if it is the same. */
const nearby = (place: Dataset.Place, { source }: Dataset.Place): string =>
  place.source === source && place.unit !== "file" ? `${place.unit} ${place.number}` : Dataset.at(place)
