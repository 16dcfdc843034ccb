/**
 * A job whose calls go out as Message Batches, with its state in SQLite: the run, the journal and the policy together.
 */
import { assert, describe, it } from "@effect/vitest"
import { Claude, Event, Job, MessageBatches, Step } from "effect-claude"
import { Emulator } from "effect-claude/testing"
import { Effect, Fiber, FileSystem, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { inFolder, names, people, type Person } from "./jobs.ts"

describe("a job in batches", () => {
  it.effect("sends one batch for each step, and pays half", () =>
    inFolder(({ output, runHere, state }) =>
      Effect.gen(function* () {
        const { batches, listen } = listening()
        const summary = yield* listen(inTime(runHere(job(200))))
        assert.deepInclude(summary, { total: 200, done: 200, failed: 0, pending: 0 })
        assert.deepStrictEqual(batches, ["sent 200", "sent 200", "sent 200"])
        assert.lengthOf(yield* billed, 600)
        assert.lengthOf(yield* linesOf(output), 200)
        assert.strictEqual(summary.cost.run.calls, 600)
      }).pipe(Effect.provide(Layer.merge(emulated(), state)))
    )
  )

  it.effect("continues with its batches after a stop at any moment", () =>
    inFolder(({ output, runHere, state }) =>
      Effect.gen(function* () {
        for (const minutes of [1, 3, 7, 2, 11, 4]) {
          const run = yield* Effect.forkChild(Effect.provide(runHere(job(50)), restarted))
          yield* pass(minutes)
          yield* Fiber.interrupt(run)
        }
        const summary = yield* inTime(Effect.provide(runHere(job(50)), restarted))
        assert.deepInclude(summary, { done: 50, failed: 0, pending: 0 })
        assert.lengthOf(yield* billed, 150)
        assert.lengthOf(new Set(yield* linesOf(output)), 50)
        assert.strictEqual(summary.cost.all.calls, 150)
      }).pipe(Effect.provide(Layer.merge(emulator(), state)))
    )
  )

  it.effect("loses no row to faults of the API", () =>
    inFolder(({ runHere, state }) =>
      Effect.gen(function* () {
        const summary = yield* inTime(runHere(job(100)))
        assert.deepInclude(summary, { done: 100, failed: 0, pending: 0 })
        assert.lengthOf(yield* billed, 300)
      }).pipe(Effect.provide(Layer.merge(emulated(faults), state)))
    )
  )

  it.effect("stops with pending rows when its batches are canceled, and runs them again", () =>
    inFolder(({ runHere, state }) =>
      Effect.gen(function* () {
        const handle = yield* MessageBatches.make()
        const live = Claude.stack({ batches: handle })(emulator())
        const run = yield* Effect.forkChild(Effect.provide(runHere(job(20)), live))
        while ((yield* MessageBatches.running(handle)).length === 0) yield* Effect.yieldNow
        yield* MessageBatches.cancelAll(handle)
        const stopped = yield* inTime(Fiber.join(run))
        assert.deepInclude(stopped, { done: 0, failed: 0, pending: 20 })
        assert.include(String(stopped.stopped), "was canceled; run again to send it in another batch")
        const summary = yield* inTime(Effect.provide(runHere(job(20)), live))
        assert.deepInclude(summary, { done: 20, failed: 0, pending: 0 })
      }).pipe(Effect.provide(state))
    )
  )
})

// Builders

/** Half a dozen faults, each in one request of 20. */
const faults = ([429, 529, "lost", "reset", "cut", "half-the-lines", "expired"] as const).map((kind) => ({
  kind,
  rate: 0.05
}))

const step = (name: string) => Step.text(name, (text: string) => `${name}: ${text}`)

const job = (count: number) =>
  Job.make({
    name: "letters",
    source: people(names(count)),
    key: ({ name }) => name,
    step: Step.make("person", ({ name }: typeof Person.Type) => Effect.succeed(name)).pipe(
      Step.andThen(step("classify")),
      Step.andThen(step("extract")),
      Step.andThen(step("answer"))
    ),
    output: Schema.String,
    sink: "unused.jsonl"
  })

const emulator = (faults?: Emulator.Faults) => Emulator.layer({ faults, batchProcessing: "5 minutes" })

/** No batch is sent because its calls have waited long enough: the virtual time passes faster than files are read. */
const emulated = (faults?: Emulator.Faults) => Claude.stack({ batches: { delay: "1 day" } })(emulator(faults))

/** Each run has a stack of its own, as after a restart. */
const restarted = Claude.layer.pipe(Claude.stack({ batches: {} }))

const billed = Effect.flatMap(Emulator.Emulator, ({ ledger }) => ledger)

const linesOf = (path: string) =>
  Effect.map(
    Effect.flatMap(FileSystem.FileSystem, (fs) => fs.readFileString(path)),
    (text) => text.trimEnd().split("\n")
  )

const listening = () => {
  const batches: Array<string> = []
  const listen = Event.listen((event) =>
    Effect.sync(() => {
      if (event._tag === "batch-sent") batches.push(`${event.how} ${event.requests}`)
    })
  )
  return { batches, listen }
}

/** Lets the fibers and promises run, and then a minute pass. */
const minute = Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 100 }), TestClock.adjust("1 minute"))

const pass = (minutes: number) => Effect.repeat(minute, { times: minutes - 1 })

const inTime = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect)
  while (fiber.pollUnsafe() === undefined) yield* minute
  return yield* Fiber.join(fiber)
})
