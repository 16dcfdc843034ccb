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
    const decoded = Array.from({ length: page.size }, (_, index) => page.decode(index))
    const rows: Array<Row<A>> = []
    for (const row of decoded) {
      if (!isSuccess(row)) return Effect.all(decoded)
      rows.push(row.value)
    }
    return Effect.succeed(rows)
  })

/** Whether an effect is a success already. */
const isSuccess = <A, E, R>(effect: Effect.Effect<A, E, R>): effect is Exit.Success<A, E> =>
  Exit.isExit(effect) && Exit.isSuccess(effect)
