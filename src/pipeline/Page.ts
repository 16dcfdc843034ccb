/**
 * Rows of an input that have been read but not decoded, so that a resumed job skips the rows that are done at little
 * cost. Indexes count from 0.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Place, Row } from "./Dataset.ts"

/** Consecutive rows of an input. */
export interface Page<out A, out R> {
  readonly size: number
  readonly decode: (index: number) => Effect.Effect<Row<A>, never, R>
  readonly place: (index: number) => Place
  /** A row as the input has it: a value, or the text or the cells that could not be read. */
  readonly raw: (index: number) => unknown
  /** The bytes of the file since the page before. Together, the pages of a file have all its bytes. */
  readonly bytes: Uint8Array | undefined
  /** The columns of all rows, if the input names them. */
  readonly columns: ReadonlyArray<string> | undefined
}

/** All rows of a page. */
export const decode = <A, R>(page: Page<A, R>): Effect.Effect<ReadonlyArray<Row<A>>, never, R> =>
  // Suspended, because a decoder that needs no fiber decodes at once. Such rows are taken without a step of a fiber each.
  Effect.suspend(() => {
    const rows: Array<Row<A>> = []
    for (let index = 0; index < page.size; index++) {
      const row = page.decode(index)
      if (!isSuccess(row)) return remaining(page, rows, row)
      rows.push(row.value)
    }
    return Effect.succeed(rows)
  })

/** The rows of a page whose first ones are decoded. The next one needs a fiber, so the others may need it too. */
const remaining = <A, R>(
  page: Page<A, R>,
  rows: ReadonlyArray<Row<A>>,
  next: Effect.Effect<Row<A>, never, R>
): Effect.Effect<ReadonlyArray<Row<A>>, never, R> => {
  const others = Array.from({ length: page.size - rows.length - 1 }, (_, index) =>
    Effect.suspend(() => page.decode(rows.length + 1 + index))
  )
  return Effect.map(Effect.all([next, ...others]), (decoded) => [...rows, ...decoded])
}

/** Whether an effect is a success already. */
const isSuccess = <A, E, R>(effect: Effect.Effect<A, E, R>): effect is Exit.Success<A, E> =>
  Exit.isExit(effect) && Exit.isSuccess(effect)
