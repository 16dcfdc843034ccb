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
      assert.isAbove(queue.settlements, 0)
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

  it.live("run alone only once the rows of other chunks have ended", () =>
    Effect.gen(function* () {
      const queue = yield* submitted(...names(150))
      const others = queue.waiting.splice(1)
      for (let death = 0; death < ChunkRows.maxStarts; death++) {
        yield* process(queue, ({ finish, rows }) =>
          Effect.flatMap(Stream.runCollect(Stream.take(rows, death === 0 ? 98 : 3)), (rows) =>
            Effect.forEach(rows.slice(3), finish, { concurrency: 98 })
          )
        )
      }
      queue.waiting.push(...others)
      let running = 0
      const most = new Map<string, number>()
      yield* process(
        queue,
        ({ finish, rows }) =>
          Stream.take(rows, 55).pipe(
            Stream.mapEffect(
              (row) =>
                Effect.gen(function* () {
                  running += 1
                  const place = row.ordinal < 3 ? "suspect" : "other"
                  most.set(place, Math.max(most.get(place) ?? 0, running))
                  yield* Effect.sleep("1 millis")
                  running -= 1
                  yield* finish(row)
                }),
              { concurrency: "unbounded" }
            ),
            Stream.runDrain
          ),
        200
      )
      assert.strictEqual(most.get("suspect"), 1)
      assert.isAbove(most.get("other") ?? 0, 10)
      assert.deepStrictEqual(queue.settled, ["complete", "complete"])
    }).pipe(provide)
  )

  it.live("come from as many chunks at once as the process has room for", () =>
    Effect.gen(function* () {
      const queue = yield* submitted(...names(450))
      yield* process(queue, ({ rows }) => Stream.runDrain(Stream.take(rows, 1)), 320)
      assert.deepStrictEqual(queue.asked, [3])
      yield* process(queue, ({ rows }) => Stream.runDrain(Stream.take(rows, 1)), 99)
      assert.deepStrictEqual(queue.asked, [3, 1])
    }).pipe(provide)
  )

  it.live("come also where the process that has submitted the job left before the queue had its chunks", () =>
    Effect.gen(function* () {
      const queue = yield* submitted("a", "b")
      queue.waiting.length = 0
      const rows = yield* process(queue, ({ rows }) => Stream.runCollect(Stream.take(rows, 2)))
      assert.lengthOf(rows, 2)
      assert.deepStrictEqual(
        yield* Effect.flatMap(stateOf, ({ shared }) => shared?.sending.unsent ?? Effect.succeed([])),
        []
      )
    }).pipe(provide)
  )

  it.live("are taken again where their lease was lost before they ended", () =>
    Effect.gen(function* () {
      const queue = yield* submitted("a", "b")
      yield* process(queue, ({ finish, rows }) =>
        Effect.gen(function* () {
          const [one, two] = yield* Stream.runCollect(Stream.take(rows, 2))
          if (one === undefined || two === undefined) return yield* Effect.die("there are no rows")
          yield* finish(one)
          queue.isHeld = false
          yield* two.lease?.ended ?? Effect.void
        })
      )
      assert.deepStrictEqual(queue.settled, ["give back"])
      queue.isHeld = true
      assert.lengthOf(yield* process(queue, ({ rows }) => Stream.runCollect(Stream.take(rows, 1))), 1)
    }).pipe(provide)
  )
})

// Builders

const names = (count: number) => Array.from({ length: count }, (_, index) => `row ${index}`)

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

/** Submits rows with these ids, and sends their chunks. The queue gives a chunk to the next process when one dies. */
const submitted = Effect.fnUntraced(function* (...ids: ReadonlyArray<string>) {
  const rows = ids.map((id, ordinal) => ({ key: id, ordinal, form: "value", encoded: { id } }))
  yield* Effect.scoped(
    Effect.flatMap(Layer.build(Journal.layer({ ...options, submits: true })), (context) => {
      const { begin, claim } = Context.get(context, Journal.Journal)
      return begin(claim(rows))
    })
  )
  const waiting = [...(yield* (yield* stateOf).shared?.sending.unsent ?? Effect.succeed([]))]
  return { waiting, settled: new Array<string>(), asked: new Array<number>(), settlements: 0, isHeld: true }
})

type Queue = Effect.Success<ReturnType<typeof submitted>>

/** The chunks of a process. Those that it has not ended wait again when it dies. */
const dispatcherOf = (queue: Queue) =>
  Effect.gen(function* () {
    const held = new Set<Dispatcher.Lease>()
    yield* Effect.addFinalizer(() => Effect.sync(() => queue.waiting.unshift(...held)))
    const end = (how: string) => (lease: Dispatcher.Lease) =>
      Effect.sync(() => {
        queue.settled.push(how)
        if (how === "complete") held.delete(lease)
      })
    return Dispatcher.Dispatcher.of({
      submit: (chunks) => Effect.sync(() => void queue.waiting.push(...chunks)),
      take: (count) =>
        Effect.sync(() => {
          if (queue.waiting.length > 0) queue.asked.push(count)
          const leases = queue.waiting.splice(0, count).map((chunk) => ({ ...chunk, isHeld: () => queue.isHeld }))
          for (const lease of leases) held.add(lease)
          return leases
        }),
      complete: end("complete"),
      giveBack: end("give back"),
      onLost: () => Effect.void,
      repair: () => Effect.void,
      lease: 9000
    })
  })

type Rows = Effect.Success<ReturnType<typeof ChunkRows.make<typeof Item.Type, string, never>>>
type Row = Stream.Success<Rows["rows"]>

interface Process extends Rows {
  /** Stores the result of a row, and ends it. */
  readonly finish: (row: Row) => Effect.Effect<void>
}

/** A process with room for `size` rows. It dies where `use` ends, unless that has given back its chunks. */
const process = <A, E, R>(queue: Queue, use: (process: Process) => Effect.Effect<A, E, R>, size = 1) =>
  Effect.gen(function* () {
    const { finish } = yield* Journal.Journal
    const settle = Effect.sync(() => void (queue.settlements += 1))
    const run = { hasStopped: () => false, size: () => size, settle }
    const rows = yield* ChunkRows.make(job, run)
    return yield* use({
      ...rows,
      finish: ({ key, lease }) =>
        Effect.andThen(Effect.orDie(finish(key, JSON.stringify({ key }))), lease?.ended ?? Effect.void)
    })
  }).pipe(
    Effect.provideServiceEffect(Dispatcher.Dispatcher, dispatcherOf(queue)),
    Effect.provide(Journal.layerWorker(options)),
    Effect.scoped
  )
