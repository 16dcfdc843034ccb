/**
 * The file that lists every failed row of a job: its key, the columns of its input as in the output, the error, and what the
 * row was billed. It is next to the output.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Stream from "effect/Stream"
import * as Dataset from "./Dataset.ts"
import { type FailedRow, Journal } from "./Journal.ts"
import * as RowFailure from "./RowFailure.ts"

/** The file of an output: `results.failures.csv.gz` for `results.csv.gz`. */
export const pathOf = (output: string): string => output.replace(/((?:\.\w+)?(?:\.(?:gz|zst))?)$/i, ".failures$1")

/** Writes the failures of the last run, and returns the file. Without failures it removes the file of an earlier run. */
export const write = Effect.fnUntraced(function* (output: string) {
  const { counts, failures } = yield* Journal
  return yield* writeAll(output, (yield* counts).failed, failures)
})

/** Writes failures, of which there are `count`; see `write`. */
export const writeAll = Effect.fnUntraced(function* <E>(
  output: string,
  count: number,
  failures: Stream.Stream<FailedRow, E>
) {
  const path = pathOf(output)
  if (count === 0) {
    yield* FileSystem.FileSystem.use((fs) => fs.remove(path, { force: true }))
    return undefined
  }
  const file = yield* Dataset.writeLines(path)
  yield* file.replaceWith(Stream.mapEffect(failures, RowFailure.toLine), { results: RowFailure.Failure })
  return path
}, Effect.scoped)
