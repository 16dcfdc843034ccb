import { assert, describe, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { type Claude, Concurrency, Dataset, Job, Journal, Step } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { Context, Deferred, Effect, Fiber, Latch, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import * as ChunkRun from "../../src/pipeline/ChunkRun.ts"
import * as Dispatcher from "../../src/pipeline/Dispatcher.ts"
import { Drain } from "../../src/pipeline/Drain.ts"
import { postgres } from "./journal/databases.ts"

describe.skipIf(postgres.missing !== "")(`a process that works on chunks${postgres.missing}`, () => {
  it.live("ends its calls when it is asked to stop, keeps their replies, and gives its chunk back", () =>
    Effect.gen(function* () {
      const queue = yield* submitted("a", "b", "c", "d", "not started")
      const claude = yield* held
      const drain = Latch.makeUnsafe(false)
      const process = yield* Effect.forkChild(Effect.provideService(run(queue, claude.layer), Drain, drain))
      yield* claude.begun
      yield* drain.open
      yield* claude.answer
      assert.deepStrictEqual(yield* Fiber.join(process), { stopped: "signal" })
      assert.deepStrictEqual(queue.settled, ["give back"])
      assert.deepInclude(yield* state, { done: 2, calls: 2, outcome: "signal" })
    }).pipe(provide)
  )

  it.live("stores the reply to a call whose chunk was lost meanwhile, and nothing else of the chunk", () =>
    Effect.gen(function* () {
      const queue = yield* submitted("a", "b", "c", "d")
      const claude = yield* held
      const drain = Latch.makeUnsafe(false)
      const process = yield* Effect.forkChild(Effect.provideService(run(queue, claude.layer), Drain, drain))
      yield* claude.begun
      queue.lose()
      yield* claude.answer
      yield* Effect.repeat(Effect.delay(state, "20 millis"), { until: ({ calls }) => calls === 2 })
      yield* drain.open
      assert.deepStrictEqual(yield* Fiber.join(process), { stopped: "signal" })
      assert.deepInclude(yield* state, { done: 0, failed: 0, calls: 2 })
      assert.strictEqual(claude.calls(), 2)
    }).pipe(provide)
  )

  it.live("stops when the queue fails, and stores why", () =>
    Effect.gen(function* () {
      const queue = yield* submitted("a")
      queue.isDown = true
      const { stopped } = yield* run(queue, TestClaude.layer("unused"))
      assert.instanceOf(stopped, Job.JobBroken)
      assert.include((yield* state).detail, "the queue of chunks failed: it is down")
    }).pipe(provide)
  )
})

// Builders

const Item = Schema.Struct({ id: Schema.String })

const job = Job.make({
  name: "items",
  source: Dataset.fromIterable("items", Item, []),
  key: ({ id }) => id,
  step: Step.text("ask", ({ id }: typeof Item.Type) => id),
  output: Schema.String,
  sink: "unused.jsonl"
})

const options = { job: job.name, shape: Job.shape(job) }

const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(Effect.scoped, Effect.provide([postgres.layer, NodeServices.layer]))

/** The job, as another process sees it. */
const state = Effect.gen(function* () {
  const [state] = yield* Journal.states
  if (state?.shared === undefined) return yield* Effect.die("there is no job")
  const [stop] = yield* state.shared.stops
  const { all } = yield* state.totals
  return {
    ...(yield* state.counts),
    calls: all.calls,
    detail: stop?.detail ?? "",
    outcome: stop?.outcome ?? (yield* lastOutcome)
  }
})

const lastOutcome = Effect.map(
  SqlClient.use((sql) => sql`SELECT outcome FROM effect_claude_runs ORDER BY run DESC LIMIT 1`.values),
  ([row]) => String(row?.[0])
)

/** A Claude with two calls at once, which answers the first ones when the test says so. */
const held = Effect.sync(() => {
  let calls = 0
  const begun = Latch.makeUnsafe(false)
  const answered = Deferred.makeUnsafe<void>()
  const reply = () => {
    calls += 1
    if (calls === 2) begun.openUnsafe()
    return Effect.as(Deferred.await(answered), "Hello.")
  }
  return {
    calls: () => calls,
    begun: begun.await,
    answer: Deferred.succeed(answered, undefined),
    layer: TestClaude.layer(reply).pipe(Concurrency.policy(2))
  }
})

const run = (queue: Queue, claude: Layer.Layer<Claude.Claude>) =>
  ChunkRun.run(job).pipe(
    Effect.provide([claude, Layer.succeed(Dispatcher.Dispatcher, queue.dispatcher)]),
    Effect.provide(Journal.layerWorker(options))
  )

interface Queue {
  readonly dispatcher: Dispatcher.Dispatcher["Service"]
  readonly settled: Array<string>
  isDown: boolean
  readonly lose: () => void
}

/** Submits rows with these ids. The queue gives out their chunk once. */
const submitted = Effect.fnUntraced(function* (...ids: ReadonlyArray<string>) {
  const rows = ids.map((id, ordinal) => ({ key: id, ordinal, form: "value", encoded: { id } }))
  yield* Effect.scoped(
    Effect.flatMap(Layer.build(Journal.layer({ ...options, submits: true })), (context) => {
      const { begin, claim } = Context.get(context, Journal.Journal)
      return begin(claim(rows))
    })
  )
  const [submitted] = yield* Journal.states
  const waiting = [...(yield* submitted?.shared?.sending.unsent ?? Effect.succeed([]))]
  const leases: Array<Dispatcher.Lease> = []
  const listeners: Array<(lease: Dispatcher.Lease) => void> = []
  const settle = (how: string) => () => Effect.sync(() => void queue.settled.push(how))
  let isHeld = true
  const queue: Queue = {
    settled: [],
    isDown: false,
    lose: () => {
      isHeld = false
      for (const lease of leases) for (const listener of listeners) listener(lease)
    },
    dispatcher: {
      submit: () => Effect.void,
      repair: () => Effect.void,
      lease: 9000,
      take: (count) =>
        Effect.suspend(() => {
          if (queue.isDown) return Effect.fail(new Dispatcher.DispatcherFailed({ detail: "it is down" }))
          const taken = waiting.splice(0, count).map((chunk) => ({ ...chunk, isHeld: () => isHeld }))
          leases.push(...taken)
          return Effect.succeed(taken)
        }),
      complete: settle("complete"),
      giveBack: settle("give back"),
      onLost: (listener) => Effect.sync(() => void listeners.push(listener))
    }
  }
  return queue
})
