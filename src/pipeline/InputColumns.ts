/**
 * The columns of an input that a job writes next to its results, as the input has them. A column of the input and a field of
 * the results cannot have the same name, unless it is the key of the row in both.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Job } from "./Job.ts"
import * as ResultLine from "./ResultLine.ts"

/** Which columns are written: all, or all except some. */
export type KeepInput = true | { readonly except: ReadonlyArray<string> }

/** A column is in the input and in the results. */
export class ColumnTaken extends Schema.TaggedError<ColumnTaken>()("ColumnTaken", {
  column: Schema.String,
  input: Schema.String,
  output: Schema.String
}) {
  override get message() {
    const where = `is in the input ${this.input} and in the results for ${this.output}`
    return `the column "${this.column}" ${where}; rename one of them, or leave the input columns out`
  }
}

/** What of a job decides which columns a line has. */
type Columns<Row> = Partial<Pick<Job<Row, unknown, unknown>, "keepInput" | "output">>

/** Picks the columns of a row that are written, or fails with what is wrong with one of them. */
export const picker = <Row>({
  keepInput,
  output = Schema.Unknown
}: Columns<Row>): ((key: string, encoded: unknown) => Result.Result<Readonly<Record<string, unknown>>, string>) => {
  if (keepInput === undefined) return () => none
  const isKept = keeping(keepInput)
  const taken = ResultLine.fields(output)
  return (key, encoded) => {
    if (!Predicate.isObject(encoded)) return none
    const columns: Array<[string, unknown]> = []
    for (const [name, value] of Object.entries(encoded)) {
      if (!isKept(name) || (name === "key" && String(value) === key)) continue
      if (name === "key") return Result.fail('its column "key" is not the key of the row; rename that column')
      if (taken.has(name)) return Result.fail(`its column "${name}" is a field of the results too; rename one of them`)
      columns.push([name, value])
    }
    return Result.succeed(Object.fromEntries(columns))
  }
}

const none = Result.succeed({})

const keeping = (keepInput: KeepInput) => {
  const left = new Set(keepInput === true ? [] : keepInput.except)
  return (name: string) => !left.has(name)
}

/** Fails if a column that the input names, or that its first row has, is in the results too. */
export const check = Effect.fnUntraced(function* <Row, Out, E>(job: Job<Row, Out, E>, output: string) {
  if (job.keepInput === undefined) return
  const isKept = keeping(job.keepInput)
  const taken = ResultLine.fields(job.output)
  // A page may have no rows: the first of a file whose only line has no end, or a header alone.
  const pages = Stream.filter(job.source.pages, ({ columns, size }) => size > 0 || columns !== undefined)
  const page = Option.getOrUndefined(yield* Stream.runHead(pages))
  const first = page === undefined || page.size === 0 ? undefined : yield* page.decode(0)
  const encoded = first !== undefined && Result.isSuccess(first) ? first.success.encoded : undefined
  const names = page?.columns ?? (Predicate.isObject(encoded) ? Object.keys(encoded) : [])
  const column = names.find((name) => name !== "key" && isKept(name) && taken.has(name))
  if (column !== undefined) return yield* new ColumnTaken({ column, input: job.source.name, output })
})
