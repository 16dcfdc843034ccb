/**
 * Runs one effect for each of many items, with a bounded fan-out that follows the capacity of Claude. Each result is a
 * `Result`, so one failed item does not lose the others.
 */
import * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Demand from "../claude/Demand.ts"
import * as Event from "../claude/Event.ts"
import { Claude } from "../claude/Claude.ts"

/** How to run a batch. */
export interface Options {
  /**
   * Items worked on at once. The default is the capacity of Claude, read at the start, and as many again up to 1,000:
   * items that wait for a retry then leave no permit idle.
   */
  readonly concurrency?: number
}

/** A finished item of a batch. */
export interface Finished<A, B, E> {
  readonly index: number
  readonly item: A
  readonly result: Result.Result<B, E>
}

/** Returns the results in the order of the items. With `mode: "failFast"`, the first failure stops the rest and is the error. */
export function map<A, B, E, R>(
  items: Iterable<A>,
  f: (item: A, index: number) => Effect.Effect<B, E, R>,
  options: Options & { readonly mode: "failFast" }
): Effect.Effect<Array<B>, E, R | Claude>
export function map<A, B, E, R>(
  items: Iterable<A>,
  f: (item: A, index: number) => Effect.Effect<B, E, R>,
  options?: Options
): Effect.Effect<Array<Result.Result<B, E>>, never, R | Claude>
export function map<A, B, E, R>(
  items: Iterable<A>,
  f: (item: A, index: number) => Effect.Effect<B, E, R>,
  options: Options & { readonly mode?: "failFast" } = {}
): Effect.Effect<Array<B> | Array<Result.Result<B, E>>, E, R | Claude> {
  const run = (item: A, index: number) => observed(f(item, index), index)
  return fanOut(options).pipe(
    Effect.flatMap((concurrency): Effect.Effect<Array<B> | Array<Result.Result<B, E>>, E, R> =>
      options.mode === "failFast"
        ? Effect.forEach(items, run, { concurrency })
        : Effect.forEach(items, (item, index) => Effect.result(run(item, index)), { concurrency })
    ),
    Demand.provide,
    Effect.withSpan("Batch.map")
  )
}

/** Emits the results as they finish. Items come from memory or from a stream, which is pulled only as fast as they finish. */
export const stream = <A, B, E, R, E2 = never, R2 = never>(
  items: Iterable<A> | Stream.Stream<A, E2, R2>,
  f: (item: A, index: number) => Effect.Effect<B, E, R>,
  options: Options = {}
): Stream.Stream<Finished<A, B, E>, E2, R | R2 | Claude> =>
  Stream.unwrap(
    Effect.map(fanOut(options), (concurrency) => {
      const source = Stream.isStream(items) ? Demand.source(items) : Stream.fromIterable(items)
      const run = ([item, index]: readonly [A, number]) =>
        Effect.map(Effect.result(observed(f(item, index), index)), (result) => ({ index, item, result }))
      return source.pipe(Stream.zipWithIndex, Stream.mapEffect(run, { concurrency, unordered: true }))
    })
  ).pipe(Demand.provideStream)

/** Items beyond the capacity. Each takes memory while it waits. */
const maxSpare = 1000

/** The number of items to work on at once. */
export const fanOut = ({ concurrency }: Options) =>
  concurrency === undefined
    ? Claude.use((claude) =>
        Effect.map(claude.capacity, (capacity) => Math.max(1, capacity + Math.min(capacity, maxSpare)))
      )
    : Effect.succeed(concurrency)

const observed = <A, E, R>(effect: Effect.Effect<A, E, R>, index: number) =>
  effect.pipe(
    Demand.running,
    Effect.tap(() => Event.emit(() => ({ _tag: "item-finished", index, succeeded: true }))),
    Effect.tapError(() => Event.emit(() => ({ _tag: "item-finished", index, succeeded: false })))
  )
