/**
 * The rows that are still to run: those that are pending in the journal and that the input still has. Rows that no run has
 * tried come first, and then those that failed in an earlier run, both in input order, so that failures that repeat are
 * not taken for a series of new ones. Other rows of the input are read and not decoded. If the input no longer has a pending row, the next run claims the rows
 * again.
 */
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { Journal, type PendingRow as Stored, type Which } from "./Journal.ts"
import * as KeyedRow from "./KeyedRow.ts"

/** A row that is to run: what the input has of it, and what the journal has. */
export type PendingRow<Row> = KeyedRow.KeyedRow<Row> & Stored & { readonly lease?: RowLease }

/** The right to work on a row that other processes may get. */
export interface RowLease {
  /** Whether a call of the row may be sent, and its result stored. Once false, it stays false. */
  readonly isHeld: () => boolean
  /** Runs when the row has ended in any way. */
  readonly ended: Effect.Effect<void>
}

/** All pending rows, or some that failed in an earlier run. */
export const of = <Row>(input: KeyedRow.Input<Row>, which: Exclude<Which, "untried">) =>
  which === "all" ? Stream.concat(inOrder(input, "untried"), inOrder(input, "failed")) : inOrder(input, which)

/** Reads the input while there are pending rows. */
const inOrder = <Row>(input: KeyedRow.Input<Row>, which: Which) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const journal = yield* Journal
      const pending = yield* cursor(journal.pending(which))
      if (pending.next() === undefined) return Stream.empty
      let isForgotten = false
      const forget = Effect.suspend(() => {
        if (isForgotten) return Effect.void
        isForgotten = true
        return journal.forgetSource
      })
      const pendingIn = Effect.fnUntraced(function* ({ first, page, row }: KeyedRow.KeyedPage<Row>) {
        const found: Array<PendingRow<Row>> = []
        for (;;) {
          const next = pending.next()
          if (next === undefined || next.ordinal >= first + page.size) return found
          const now = yield* row(next.ordinal)
          if (Result.isSuccess(now) && now.success.key === next.key) found.push({ ...next, ...now.success })
          else yield* forget
          yield* pending.advance
        }
      })
      return KeyedRow.pages(input).pipe(
        Stream.takeWhile(() => pending.next() !== undefined),
        Stream.mapEffect(pendingIn),
        Stream.flatMap(Stream.fromIterable)
      )
    })
  )

/** Reads a stream element by element. */
const cursor = Effect.fnUntraced(function* <A, E, R>(stream: Stream.Stream<A, E, R>) {
  const pull = yield* Stream.toPull(stream)
  const chunk = Pull.catchDone(pull, () => Effect.succeed<ReadonlyArray<A>>([]))
  let elements: ReadonlyArray<A> = yield* chunk
  let index = 0
  const advance = Effect.suspend(() => {
    index += 1
    if (index < elements.length) return Effect.void
    index = 0
    return Effect.map(chunk, (next) => void (elements = next))
  })
  return { next: () => elements[index], advance }
})
