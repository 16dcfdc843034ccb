/**
 * The rows of a query on an SQLite file, which is opened for reading only. They stream, so the result may be larger than
 * memory.
 */
import { existsSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { attempt, nodeSqlite, SqliteFailed } from "./Database.ts"

/** SQLITE_READONLY. */
const readOnly = 8
const writes = "the query writes, and inputs are only read; write a SELECT"

/** Rows that come at once. */
const pageSize = 256

/** The pages of the rows. Whole numbers are of type bigint. */
export const rows = (path: string, query: string) =>
  Stream.unwrap(
    Effect.gen(function* () {
      if (!existsSync(path)) {
        return yield* new SqliteFailed({
          path,
          detail: "there is no such file"
        })
      }
      const database = yield* Effect.acquireRelease(
        attempt(path, () => new (nodeSqlite().DatabaseSync)(path, { readOnly: true, timeout: 5000 })),
        (database) => Effect.sync(() => database.close())
      )
      const statement = yield* attempt(path, () => database.prepare(query))
      const names = statement.columns().map(({ name }) => name)
      const twice = names.find((name, index) => names.indexOf(name) !== index)
      const detail =
        names.length === 0
          ? "the query returns no rows; write a SELECT"
          : twice === undefined
            ? undefined
            : `two columns of the query are named "${twice}"; rename one with AS`
      if (detail !== undefined) return yield* new SqliteFailed({ path, detail })
      statement.setReadBigInts(true)
      const iterator = statement.iterate()
      const next = Effect.mapError(
        attempt(path, () => take(iterator)),
        (error) => (error.code === readOnly ? new SqliteFailed({ path, detail: writes }) : error)
      )
      return Stream.fromEffectRepeat(next).pipe(Stream.takeUntil((page) => page.length < pageSize))
    })
  )

/** The next rows. A helper such as `Iterator.take` would end the iterator. */
const take = <A>(iterator: Iterator<A>): ReadonlyArray<A> => {
  const page: Array<A> = []
  while (page.length < pageSize) {
    const next = iterator.next()
    if (next.done === true) break
    page.push(next.value)
  }
  return page
}
