/**
 * A random sample of a stream of rows, taken while the rows are counted and their sizes are added up. It is the same in
 * every run over the same rows, and memory does not grow with their number.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"

/** A sampled row, and its size. */
export interface Sampled<A> {
  readonly row: A
  readonly size: number
}

/** All rows in numbers, and a sample of them in their order. */
export interface Sampling<A> {
  readonly rows: number
  /** The sum of the sizes of all rows. */
  readonly size: number
  /** The first rows, which may be in the sample too. */
  readonly first: ReadonlyArray<A>
  readonly sample: ReadonlyArray<Sampled<A>>
}

/** Each row has the same chance to be among the `count` rows of the sample. */
export const take = <A, E, R>(
  stream: Stream.Stream<A, E, R>,
  options: { readonly count: number; readonly first: number; readonly sizeOf: (row: A) => number }
): Effect.Effect<Sampling<A>, E, R> =>
  Effect.gen(function* () {
    const random = yield* Random.Random
    const first: Array<A> = []
    const chosen: Array<Sampled<A> & { readonly at: number }> = []
    let rows = 0
    let size = 0
    const add = (row: A) => {
      const sampled = { row, size: options.sizeOf(row), at: rows }
      rows += 1
      size += sampled.size
      if (first.length < options.first) first.push(row)
      // Algorithm R: the row takes a place with the probability count / rows.
      const place = chosen.length < options.count ? chosen.length : Math.floor(random.nextDoubleUnsafe() * rows)
      if (place < options.count) chosen[place] = sampled
    }
    yield* Stream.runForEachArray(stream, (page) => Effect.sync(() => page.forEach(add)))
    return { rows, size, first, sample: chosen.toSorted((one, other) => one.at - other.at) }
  }).pipe(Random.withSeed("effect-claude"))

/** A measure for how much a row adds to a prompt: the characters of its texts, and a few for any other value. */
export const sizeOf = (encoded: unknown): number => {
  if (Predicate.isString(encoded)) return encoded.length
  if (Array.isArray(encoded)) return encoded.reduce((sum: number, value) => sum + sizeOf(value), 2)
  if (!Predicate.isObject(encoded)) return 4
  let size = 2
  for (const value of Object.values(encoded)) size += sizeOf(value)
  return size
}
