/**
 * The file of the rows of an input that cannot be run: where each is, why, and what the input has there. A user who names
 * one accepts that such rows are left out; otherwise they make the run fail.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Redact from "../claude/Redact.ts"
import * as Dataset from "./Dataset.ts"
import * as KeyedRow from "./KeyedRow.ts"
import * as RowKey from "./RowKey.ts"

/** Fails if the file has something else, such as results: it would be replaced or removed. */
export const check = Effect.fnUntraced(function* (path: string) {
  const file = yield* Effect.option(FileSystem.FileSystem.use((fs) => fs.stat(path)))
  if (file._tag === "None" || file.value.size === 0n) return
  const first = Stream.runHead(Dataset.fromFile(Rejected, path).rows)
  const isOurs = yield* Effect.match(first, {
    onFailure: () => false,
    onSuccess: (row) => row._tag === "Some" && Result.isSuccess(row.value)
  })
  if (isOurs) return
  const detail = "has something else than invalid rows, and would be replaced; name another file for these"
  return yield* new Dataset.DatasetFailed({ path, detail })
})

const Rejected = Schema.Struct({ place: Schema.String, reason: Schema.String })

/** Writes the invalid rows of an input, and returns the file. Without invalid rows it removes the file of an earlier run. */
export const write = Effect.fnUntraced(function* <Row>(
  path: string,
  input: KeyedRow.Input<Row>,
  { duplicates, invalid }: Invalid
) {
  if (invalid === 0) {
    yield* Effect.ignore(FileSystem.FileSystem.use((fs) => fs.remove(path)))
    return undefined
  }
  const redact = yield* Redact.Redactor
  const lines = KeyedRow.pages(input).pipe(
    Stream.mapEffect(({ first, page, rows }) =>
      Effect.map(rows, (rows) =>
        rows.flatMap((row, index) => {
          const reason = reasonOf(row, duplicates.has(first + index))
          if (reason === undefined) return []
          const place = Dataset.at(page.place(index))
          return [JSON.stringify({ place, reason: redact(reason), row: page.raw(index) }, jsonOf)]
        })
      )
    ),
    Stream.flatMap(Stream.fromIterable)
  )
  yield* Dataset.write(path, lines)
  return path
})

/** The invalid rows of an input. */
export interface Invalid {
  readonly invalid: number
  /** The positions of rows whose key an earlier row has. */
  readonly duplicates: ReadonlySet<number>
}

const reasonOf = <Row>(row: KeyedRow.Keyed<Row>, isDuplicate: boolean): string | undefined => {
  if (Result.isFailure(row)) return row.failure.detail
  return isDuplicate ? `an earlier row has the key "${RowKey.show(row.success.key)}" too` : undefined
}

/** An iterable may have values that JSON lacks. */
const jsonOf = (_key: string, value: unknown): unknown => (typeof value === "bigint" ? String(value) : value)
