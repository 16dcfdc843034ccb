/**
 * Selects the rows that a run takes. A sample consists of the rows whose keys have the smallest hashes: it looks random, is
 * the same in every run, and a small sample is part of a larger one.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Sha256 from "../claude/Sha256.ts"
import * as KeyedRow from "./KeyedRow.ts"

/** Which rows to take; all, by default. */
export interface Selection<Row> {
  /** This many rows, chosen by a hash of their keys. */
  readonly sample?: number
  /**
   * Rows that satisfy a condition on the row, or on its form in the input. With `sample`, the sample is taken from these.
   */
  readonly where?: (row: Row, encoded: unknown) => boolean
}

/** Whether a row is selected. A sample reads the whole input once. */
export const make = <Row>(input: KeyedRow.Input<Row>, selection: Selection<Row>) => {
  const { sample, where = () => true } = selection
  if (sample === undefined) return Effect.succeed(({ encoded, row }: KeyedRow.KeyedRow<Row>) => where(row, encoded))
  const keys = KeyedRow.pages(input).pipe(
    Stream.mapEffect((page) => page.rows),
    Stream.map((rows) => Arr.getSuccesses(rows).filter(({ encoded, row }) => where(row, encoded))),
    Stream.flatMap(Stream.fromIterable),
    Stream.map(({ key }) => key)
  )
  return Effect.map(
    sampleOf(keys, sample),
    (chosen) =>
      ({ key }: KeyedRow.KeyedRow<Row>) =>
        chosen.has(key)
  )
}

/** The keys with the smallest hashes. Memory does not grow with the number of keys. */
export const sampleOf = <E, R>(keys: Stream.Stream<string, E, R>, size: number): Effect.Effect<Set<string>, E, R> =>
  Effect.suspend(() => {
    let smallest = new Map<string, string>()
    const shrink = () => {
      smallest = new Map([...smallest].toSorted(([one], [other]) => (one < other ? -1 : 1)).slice(0, size))
    }
    const add = (key: string) => {
      smallest.set(Sha256.hex(key), key)
      if (smallest.size > 2 * size + 1000) shrink()
    }
    return Effect.map(
      Stream.runForEachArray(keys, (some) => Effect.sync(() => some.forEach(add))),
      () => {
        shrink()
        return new Set(smallest.values())
      }
    )
  })
