import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Timer from "../../src/claude/Timer.ts"

describe("the monotonic time", () => {
  it.effect("continues when the clock is set back", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      yield* TestClock.setTime(3_600_000)
      const before = Timer.now(clock)
      yield* TestClock.setTime(0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(Timer.now(clock) - before, 1000)
    })
  )
})

describe("a timer", () => {
  it.effect("runs once, after its time", () =>
    Effect.gen(function* () {
      const { times } = yield* started("1 second")
      yield* TestClock.adjust("999 millis")
      assert.strictEqual(times(), 0)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(times(), 1)
    })
  )

  it.effect("does not run after it was stopped", () =>
    Effect.gen(function* () {
      const { stop, times } = yield* started("1 second")
      stop()
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(times(), 0)
    })
  )

  it.effect("never runs after an infinite time", () =>
    Effect.gen(function* () {
      const { stop, times } = yield* started(Infinity)
      yield* TestClock.adjust("10000 days")
      assert.strictEqual(times(), 0)
      stop()
    })
  )

  it.live("runs on the clock of the system", () =>
    Effect.withFiber((fiber) =>
      Effect.callback<void>((resume) => void Timer.after(1, fiber, () => resume(Effect.void)))
    )
  )
})

// Builders

const started = (limit: Parameters<typeof Timer.after>[0]) =>
  Effect.withFiber((fiber) =>
    Effect.sync(() => {
      let count = 0
      const stop = Timer.after(limit, fiber, () => (count += 1))
      return { stop, times: () => count }
    })
  )
