import { assert, describe, it } from "@effect/vitest"
import { Concurrency, Event, Journal, Step } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import * as Controls from "../../src/pipeline/Controls.ts"
import { Drain } from "../../src/pipeline/Drain.ts"
import { greetings, inFolder, names } from "./jobs.ts"

// Two rows for each call at once: those that wait for a retry leave no permit idle.
describe("a run that other processes control", () => {
  it.effect("takes no more rows while it is paused, finishes those in flight, and continues when it is resumed", () =>
    controlled(2, ({ begun, events, finish, reaches, send }) =>
      Effect.gen(function* () {
        yield* reaches(4)
        yield* send({ _tag: "pause" })
        yield* finish
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(begun(), 4)
        yield* send({ _tag: "resume" })
        yield* reaches(8)
        assert.deepStrictEqual(events, ["up to 2 calls", "paused", "up to 2 calls"])
      })
    )
  )

  it.effect("works on more rows at once, or on fewer, after its concurrency has changed", () =>
    controlled(2, ({ begun, finish, reaches, send }) =>
      Effect.gen(function* () {
        yield* reaches(4)
        yield* send({ _tag: "concurrency", calls: 5 })
        yield* reaches(10)
        yield* send({ _tag: "concurrency", calls: 1 })
        yield* finish
        yield* reaches(12)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(begun(), 12)
      })
    )
  )

  it.effect("answers 50 controls in a row, and does what the last one asks", () =>
    controlled(1, ({ begun, finish, reaches, send }) =>
      Effect.gen(function* () {
        yield* reaches(2)
        for (let round = 0; round < 24; round++) {
          yield* send({ _tag: "pause" }, "sent only")
          yield* send({ _tag: "resume" }, "sent only")
        }
        yield* send({ _tag: "concurrency", calls: 2 }, "sent only")
        yield* send({ _tag: "pause" })
        yield* finish
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(begun(), 4)
      })
    )
  )

  it.effect("drops a change that was asked for before it began, since its own options are newer", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* controlledIn(files, 2, ({ finish, reaches, send, stop }) =>
          Effect.gen(function* () {
            yield* reaches(4)
            yield* stop
            yield* finish
            yield* send({ _tag: "concurrency", calls: 20 }, "sent only")
            yield* send({ _tag: "pause" }, "sent only")
          })
        )
        yield* controlledIn(files, 1, ({ begun, events, reaches, send }) =>
          Effect.gen(function* () {
            yield* send({ _tag: "pause" })
            assert.deepStrictEqual([begun(), events.at(-1)], [0, "paused"])
            yield* send({ _tag: "resume" })
            yield* reaches(2)
            yield* TestClock.adjust("1 minute")
            assert.deepStrictEqual([begun(), events.at(-1)], [2, "up to 1 calls"])
          })
        )
      })
    )
  )

  it.effect("stops at a signal while it is paused, stays paused in the next run, and ends when no row is left", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* controlledIn(files, 2, ({ finish, reaches, send, stop, summary }) =>
          Effect.gen(function* () {
            yield* reaches(4)
            yield* send({ _tag: "pause" })
            yield* finish
            yield* stop
            assert.deepInclude(yield* summary, { done: 4, pending: 16, stopped: "signal" })
          })
        )
        yield* controlledIn(files, 20, ({ begun, finish, reaches, send, summary }) =>
          Effect.gen(function* () {
            yield* TestClock.adjust("1 minute")
            assert.strictEqual(begun(), 0)
            yield* send({ _tag: "resume" })
            yield* reaches(16)
            yield* send({ _tag: "pause" })
            yield* finish
            assert.deepInclude(yield* summary, { done: 20, pending: 0 })
          })
        )
      })
    )
  )
})

// Builders

interface Run {
  readonly events: ReadonlyArray<string>
  /** Rows that have begun. */
  readonly begun: () => number
  /** Waits until this many rows have begun. */
  readonly reaches: (rows: number) => Effect.Effect<void>
  /** Lets the rows that have begun finish. */
  readonly finish: Effect.Effect<void>
  /** Sends a control, and waits until it is applied. */
  readonly send: (control: Journal.Control, until?: "sent only") => Effect.Effect<void>
  /** Sends a signal. */
  readonly stop: Effect.Effect<void>
  readonly summary: Effect.Effect<object>
}

type Files = Parameters<Parameters<typeof inFolder>[0]>[0]

const controlled = (concurrency: number, test: (run: Run) => Effect.Effect<void>) =>
  inFolder((files) => controlledIn(files, concurrency, test))

/** Lets the event loop turn, since files are written outside of the clock of the test. */
const filesWritten = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

/** A run of 20 rows, whose steps wait for the test. */
const controlledIn = Effect.fnUntraced(function* (
  files: Files,
  concurrency: number,
  test: (run: Run) => Effect.Effect<void>
) {
  const cap = yield* Concurrency.make(concurrency)
  const steps = Latch.makeUnsafe(false)
  const drain = Latch.makeUnsafe(false)
  const events: Array<string> = []
  let begun = 0
  const step = Step.make("wait", ({ name }: { readonly name: string }) =>
    Effect.suspend(() => {
      begun += 1
      return Effect.as(steps.await, name)
    })
  )
  yield* Effect.gen(function* () {
    const fiber = yield* files.runHere({ ...greetings(names(20)), step }, { changed: "keep" }).pipe(
      Event.listen((event) =>
        Effect.sync(() => {
          if (event._tag === "run-paced") events.push(event.paused ? "paused" : `up to ${event.calls} calls`)
        })
      ),
      Effect.provideService(Drain, drain),
      Effect.provideService(Controls.Handles, {
        resize: (calls) => Effect.as(Concurrency.resize(cap, calls), { isApplied: true, detail: "" }),
        raise: () => Effect.succeed({ isApplied: false, detail: "no budget" })
      }),
      Effect.provide(Concurrency.policy(cap)(TestClaude.layer("Hello."))),
      Effect.forkChild
    )
    const state = Effect.map(Journal.states, ([job]) => job ?? assert.fail("the state has no job"))
    const until = Effect.fnUntraced(function* (isReached: Effect.Effect<boolean, unknown>) {
      for (let second = 0; second < 5000 && !(yield* Effect.orDie(isReached)); second++) {
        yield* TestClock.adjust("1 second")
        yield* filesWritten
      }
      assert.isTrue(yield* Effect.orDie(isReached), `${begun} rows have begun`)
    })
    const context = yield* Effect.context<Effect.Services<typeof state>>()
    yield* test({
      events,
      begun: () => begun,
      reaches: (rows) => until(Effect.sync(() => begun >= rows)),
      finish: Effect.andThen(steps.release, TestClock.adjust("1 second")),
      send: (control, limit) =>
        Effect.gen(function* () {
          const job = yield* state
          const number = yield* job.send(control)
          if (limit === undefined) yield* until(Effect.map(job.outcomeOf(number), (outcome) => outcome !== undefined))
        }).pipe(Effect.orDie, Effect.provideContext(context)),
      stop: drain.open,
      summary: Effect.orDie(Fiber.join(fiber))
    })
    yield* Fiber.interrupt(fiber)
  }).pipe(Effect.provide(files.state))
})
