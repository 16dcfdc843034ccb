import { assert, describe, it } from "@effect/vitest"
import { Dataset, Job, Journal, Step } from "effect-claude"
import { Context, Effect, Layer, Schema, Stream } from "effect"
import { NodeServices } from "@effect/platform-node"
import * as ChunkRows from "../../src/pipeline/ChunkRows.ts"
import * as Dispatcher from "../../src/pipeline/Dispatcher.ts"
import { postgres } from "./journal/databases.ts"

describe.skipIf(postgres.missing !== "")(`the rows of a chunk${postgres.missing}`, () => {
  it.live("come all at once, decoded from what the submission has stored", () =>
    Effect.gen(function* () {
      const queue = yield* submitted("a", "b", "c")
      const rows = yield* process(queue, ({ rows }) => Stream.runCollect(Stream.take(rows, 3)))
      assert.deepStrictEqual(
        rows.map(({ encoded, row }) => [row, encoded]),
        ["a", "b", "c"].map((id) => [{ id }, { id }])
      )
    }).pipe(provide)
  )

  it.live("that cannot be read here fail, and the others run", () =>
    Effect.gen(function* () {
      const queue = yield* submitted("a", "", "c")
      const rows = yield* process(queue, ({ rows }) => Stream.runCollect(Stream.take(rows, 2)))
      assert.deepStrictEqual(
        rows.map(({ key }) => key),
        ["a", "c"]
      )
      const [failure] = yield* failures
      assert.include(failure?.error, "SchemaError")
    }).pipe(provide)
  )

  it.live("end their chunk when all of them have ended, and none is given back", () =>
    Effect.gen(function* () {
      const queue = yield* submitted("a", "b")
      yield* process(queue, ({ finish, giveBackAll, rows }) =>
        Effect.andThen(Stream.runForEach(Stream.take(rows, 2), finish), giveBackAll)
      )
      assert.deepStrictEqual(queue.settled, ["complete"])
      assert.deepStrictEqual(yield* counts, { total: 2, done: 2, failed: 0, pending: 0 })
    }).pipe(provide)
  )

  it.live("that have not ended are given back, and this counts as no death", () =>
    Effect.gen(function* () {
      const queue = yield* submitted("a", "b")
      for (let index = 0; index < 2 * ChunkRows.maxStarts; index++) {
        const rows = yield* process(queue, ({ giveBackAll, rows }) =>
          Effect.tap(Stream.runCollect(Stream.take(rows, 2)), giveBackAll)
        )
        assert.lengthOf(rows, 2)
      }
      assert.deepStrictEqual([...new Set(queue.settled)], ["give back"])
    }).pipe(provide)
  )

  it.live("run alone after three processes have died, and a row that ends two more is set aside with the reason", () =>
    Effect.gen(function* () {
      const queue = yield* submitted("a", "b", "c")
      for (let death = 0; death < ChunkRows.maxStarts; death++) {
        assert.lengthOf(yield* process(queue, ({ rows }) => Stream.runCollect(Stream.take(rows, 3))), 3)
      }
      for (const before of [["a"], []]) {
        const seen = yield* process(queue, ({ finish, rows }) =>
          Stream.runCollect(
            rows.pipe(
              Stream.tap((row) => (row.key === "b" ? Effect.void : finish(row))),
              Stream.takeUntil(({ key }) => key === "b")
            )
          )
        )
        assert.deepStrictEqual(
          seen.map(({ key }) => key),
          [...before, "b"]
        )
      }
      yield* process(queue, ({ finish, rows }) => Stream.runForEach(Stream.take(rows, 1), finish))
      assert.deepStrictEqual(queue.settled, ["complete"])
      assert.deepStrictEqual(yield* counts, { total: 3, done: 2, failed: 1, pending: 0 })
      const [failure] = yield* failures
      assert.strictEqual(failure?.key, "b")
      assert.include(failure?.error, `"error":"WorkerDied"`)
      assert.include(failure?.error, "2 processes ended while they ran this row alone, after 3 had ended")
    }).pipe(provide)
  )
})

// Builders

const Item = Schema.Struct({ id: Schema.NonEmptyString })

const job = Job.make({
  name: "items",
  source: Dataset.fromIterable("items", Item, []),
  key: ({ id }) => id,
  step: Step.make("copy", ({ id }: typeof Item.Type) => Effect.succeed(id)),
  output: Schema.String,
  sink: "unused.jsonl"
})

const options = { job: job.name, shape: Job.shape(job) }

const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(Effect.scoped, Effect.provide([postgres.layer, NodeServices.layer]))

const stateOf = Effect.flatMap(Journal.states, ([state]) =>
  state === undefined ? Effect.die("there is no job") : Effect.succeed(state)
)

const counts = Effect.flatMap(stateOf, ({ counts }) => counts)
const failures = Effect.flatMap(stateOf, ({ failures }) => Stream.runCollect(failures))

/** Submits rows with these ids. The queue gives out the first chunk until it is complete. */
const submitted = Effect.fnUntraced(function* (...ids: ReadonlyArray<string>) {
  const rows = ids.map((id, ordinal) => ({ key: id, ordinal, form: "value", encoded: { id } }))
  yield* Effect.scoped(
    Effect.flatMap(Layer.build(Journal.layer({ ...options, submits: true })), (context) => {
      const { begin, claim } = Context.get(context, Journal.Journal)
      return begin(claim(rows))
    })
  )
  const [chunk] = yield* (yield* stateOf).shared?.unsent ?? Effect.succeed([])
  const settled: Array<string> = []
  return {
    settled,
    lease: 9000,
    send: () => Effect.void,
    fetch: () => Effect.sync(() => (chunk === undefined || settled.includes("complete") ? [] : [[chunk, 0] as const])),
    touch: (entries: ReadonlyArray<number>) => Effect.succeed(entries),
    complete: () => Effect.sync(() => void settled.push("complete")),
    giveBack: () => Effect.sync(() => void settled.push("give back"))
  } satisfies Dispatcher.Queue<number> & { readonly settled: ReadonlyArray<string> }
})

type Rows = Effect.Success<ReturnType<typeof ChunkRows.make<typeof Item.Type, string, never>>>
type Row = Stream.Success<Rows["rows"]>

interface Process extends Rows {
  /** Stores the result of a row, and ends it. */
  readonly finish: (row: Row) => Effect.Effect<void>
}

/** A process that works on the job. It dies where `use` ends, unless that has given back its chunks. */
const process = <A, E, R>(queue: Dispatcher.Queue<number>, use: (process: Process) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const { finish } = yield* Journal.Journal
    const run = { hasStopped: () => false, settle: Effect.void }
    const rows = yield* ChunkRows.make(job, run)
    return yield* use({
      ...rows,
      finish: ({ key, lease }) =>
        Effect.andThen(Effect.orDie(finish(key, JSON.stringify({ key }))), lease?.ended ?? Effect.void)
    })
  }).pipe(
    Effect.provideServiceEffect(Dispatcher.Dispatcher, Dispatcher.make(queue)),
    Effect.provide(Journal.layerWorker(options)),
    Effect.scoped
  )
