import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as Demand from "../../src/claude/Demand.ts"
import * as Batch from "../../src/pipeline/Batch.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"

describe("a run is quiet", () => {
  it.effect("when each of its items waits for a call", () =>
    Effect.gen(function* () {
      const calls = yield* holding
      const second = yield* Deferred.make<void>()
      const items = [Effect.andThen(Deferred.await(second), calls.call), calls.call]
      const fiber = yield* during(Demand.provide(each(items.map(Demand.running))))
      assert.deepStrictEqual(calls.state(), { quiet: false, heard: 0 })
      yield* Deferred.succeed(second, undefined)
      yield* settled
      assert.deepStrictEqual(calls.state(), { quiet: true, heard: 1 })
      yield* calls.answer
      yield* Fiber.join(fiber)
      assert.isFalse(calls.state().quiet)
    })
  )

  it.effect("when the last item that did not wait ends", () =>
    Effect.gen(function* () {
      const calls = yield* holding
      const last = yield* Deferred.make<void>()
      yield* during(Demand.provide(each([calls.call, Deferred.await(last)].map(Demand.running))))
      assert.isFalse(calls.state().quiet)
      yield* Deferred.succeed(last, undefined)
      yield* settled
      assert.isTrue(calls.state().quiet)
    })
  )

  it.effect("when the last item that did not wait is interrupted", () =>
    Effect.gen(function* () {
      const calls = yield* holding
      const others = Effect.gen(function* () {
        const busy = yield* Effect.forkChild(Demand.running(Effect.never))
        yield* Effect.forkChild(Demand.running(calls.call))
        yield* settled
        assert.isFalse(calls.state().quiet)
        yield* Fiber.interrupt(busy)
        assert.isTrue(calls.state().quiet)
      })
      yield* Demand.provide(others)
    })
  )

  it.effect("when one of several parallel calls of an item is held back", () =>
    Effect.gen(function* () {
      const calls = yield* holding
      yield* during(Demand.provide(Demand.running(each([calls.call, Effect.never]))))
      assert.isTrue(calls.state().quiet)
    })
  )
})

describe("an item of a nested batch", () => {
  it.effect("counts in place of the item that runs the batch", () =>
    Effect.gen(function* () {
      const calls = yield* holding
      const free = yield* Deferred.make<void>()
      const inner = [calls.call, Deferred.await(free)]
      yield* during(Batch.map([1], () => Batch.map(inner, (work) => work)))
      assert.isFalse(calls.state().quiet)
      yield* Deferred.succeed(free, undefined)
      yield* settled
      assert.isTrue(calls.state().quiet)
    }).pipe(Effect.provide(TestClaude.layer()))
  )

  it.effect("leaves the outer item busy when the last one has ended", () =>
    Effect.gen(function* () {
      const calls = yield* holding
      const outer = [calls.call, Effect.andThen(Batch.map([1], Effect.succeed), Effect.never)]
      yield* during(Batch.map(outer, (work) => work))
      assert.isFalse(calls.state().quiet)
    }).pipe(Effect.provide(TestClaude.layer()))
  )
})

describe("a source of items", () => {
  it.effect("keeps the run busy while it is pulled", () =>
    Effect.gen(function* () {
      const calls = yield* holding
      const more = yield* Deferred.make<void>()
      const items = Stream.concat(Stream.make(1), Stream.drain(Stream.fromEffect(Deferred.await(more))))
      yield* during(Stream.runDrain(Batch.stream(items, () => calls.call)))
      assert.isFalse(calls.state().quiet)
      yield* Deferred.succeed(more, undefined)
      yield* settled
      assert.isTrue(calls.state().quiet)
    }).pipe(Effect.provide(TestClaude.layer()))
  )
})

describe("outside of a run", () => {
  it.effect("calls wait without a report", () =>
    Effect.gen(function* () {
      const calls = yield* holding
      yield* during(Demand.running(calls.call))
      assert.deepStrictEqual(calls.state(), { quiet: false, heard: 0 })
    })
  )
})

// Builders

/** Calls that are held back until `answer`, and the run that waits for them. */
const holding = Effect.gen(function* () {
  const answered = yield* Deferred.make<void>()
  let run: Demand.Demand | undefined
  let heard = 0
  const onQuiet: Demand.OnQuiet = (demand) => {
    run = demand
    heard += 1
  }
  return {
    call: Demand.blocked(onQuiet)(Deferred.await(answered)),
    answer: Deferred.succeed(answered, undefined),
    state: () => ({ quiet: run?.isQuiet() ?? false, heard })
  }
})

const each = (effects: ReadonlyArray<Effect.Effect<void>>) => Effect.all(effects, { concurrency: effects.length })

/** Lets other fibers run until they wait. */
const settled = Effect.repeat(Effect.yieldNow, { times: 20 })

const during = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.tap(Effect.forkChild(effect), settled)
