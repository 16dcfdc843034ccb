import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as Journal from "../../../src/pipeline/Journal.ts"
import { postgres, sqlite } from "./databases.ts"
import { begun } from "./runs.ts"

for (const { layer: database, missing, name } of [sqlite, postgres]) {
  describe.skipIf(missing !== "")(`the controls of a journal in ${name}${missing}`, () => {
    it.effect("wait for the run in the order in which they came, until it has settled them", () =>
      Effect.gen(function* () {
        const { controls } = yield* Journal.Journal
        assert.isNull(controls.pausedAt)
        assert.deepStrictEqual(yield* controls.waiting, [])
        const job = yield* state
        const first = yield* job.send({ _tag: "concurrency", calls: 3 })
        yield* job.send({ _tag: "budget", amount: "5 USD" })
        const [one, two, ...others] = yield* controls.waiting
        assert.deepStrictEqual(
          [one?.control, two?.control, others],
          [{ _tag: "concurrency", calls: 3 }, { _tag: "budget", amount: "5 USD" }, []]
        )
        assert.isUndefined(yield* job.outcomeOf(first))
        if (one !== undefined) yield* controls.settle(one, { isApplied: true, detail: "done" })
        assert.deepStrictEqual(yield* job.outcomeOf(first), { isApplied: true, detail: "done" })
        assert.deepStrictEqual(yield* controls.waiting, two === undefined ? [] : [two])
        if (two !== undefined) yield* job.withdraw(two.id)
        yield* job.withdraw(first)
        assert.deepStrictEqual(yield* controls.waiting, [])
        assert.deepStrictEqual(yield* job.outcomeOf(first), { isApplied: true, detail: "done" })
      }).pipe(Effect.provide(Layer.provideMerge(begun(["a"]), database)))
    )

    it.effect("wait for the next run where none is on, and a job stays paused from run to run", () =>
      Effect.gen(function* () {
        yield* Effect.provide(Journal.Journal, Layer.fresh(begun(["a"])))
        yield* (yield* state).send({ _tag: "pause" })
        yield* TestClock.adjust("1 minute")
        yield* settleAll.pipe(Effect.provide(Layer.fresh(begun(["a"]))))
        assert.strictEqual((yield* state).pausedAt, 60_000)
        yield* Effect.gen(function* () {
          const { controls } = yield* Journal.Journal
          assert.strictEqual(controls.pausedAt, 60_000)
          assert.deepStrictEqual(yield* controls.waiting, [])
          yield* (yield* state).send({ _tag: "resume" })
          yield* settleAll
          assert.isNull((yield* state).pausedAt)
        }).pipe(Effect.provide(Layer.fresh(begun(["a"]))))
      }).pipe(Effect.provide(database))
    )
  })
}

// Builders

const state = Effect.flatMap(Journal.states, ([state]) =>
  state === undefined ? Effect.die("the state has no job") : Effect.succeed(state)
)

const settleAll = Effect.gen(function* () {
  const { controls } = yield* Journal.Journal
  for (const waiting of yield* controls.waiting) yield* controls.settle(waiting, { isApplied: true, detail: "" })
})
