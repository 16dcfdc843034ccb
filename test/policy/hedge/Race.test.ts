import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { race } from "../../../src/policy/hedge/Race.ts"

describe("a race", () => {
  it.effect("does not start the second effect if the first is in time", () =>
    Effect.gen(function* () {
      const { log, raced } = racing(after("1 second", "a"), after("1 second", "b"))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(yield* raced), "a")
      assert.deepStrictEqual(log, ["open first", "close first"])
    }).pipe(inTime)
  )

  it.effect.each([
    ["first", "4 seconds", "9 seconds", ["open first", "open second", "close second", "close first"]],
    ["second", "9 seconds", "1 second", ["open first", "open second", "close first", "close second"]]
  ] as const)("is won by the %s effect, and the other is closed before", ([winner, first, second, expected]) =>
    Effect.gen(function* () {
      const { log, raced } = racing(after(first, "first"), after(second, "second"))
      assert.strictEqual(yield* Fiber.join(yield* raced), winner)
      assert.deepStrictEqual(log, [...expected])
    }).pipe(inTime)
  )

  it.effect("is won by one of two effects that succeed at the same time, and the other is closed", () =>
    Effect.gen(function* () {
      const { log, raced } = racing(after("3 seconds", "first"), after("1 second", "second"))
      assert.include(["first", "second"], yield* Fiber.join(yield* raced))
      assert.lengthOf(log, 4)
    }).pipe(inTime)
  )

  it.effect("fails at once if the first effect fails before it is late", () =>
    Effect.gen(function* () {
      const { log, raced } = racing(Effect.fail("no"), after("1 second", "second"))
      assert.deepStrictEqual(yield* Fiber.await(yield* raced), Exit.fail("no"))
      assert.deepStrictEqual(log, ["open first", "close first"])
    }).pipe(inTime)
  )

  it.effect("waits for the other effect after a failure, and fails only if both fail", () =>
    Effect.gen(function* () {
      const late = Effect.delay(Effect.fail("late"), "5 seconds")
      const one = racing(late, after("10 seconds", "second"))
      assert.strictEqual(yield* Fiber.join(yield* one.raced), "second")
      const other = racing(after("10 seconds", "first"), Effect.fail("no"))
      assert.strictEqual(yield* Fiber.join(yield* other.raced), "first")
      const both = racing(late, Effect.fail("no"))
      assert.deepStrictEqual(yield* Fiber.await(yield* both.raced), Exit.fail("no"))
      assert.deepStrictEqual(both.log, ["open first", "open second", "close second", "close first"])
    }).pipe(inTime)
  )

  it.effect("closes both when it is interrupted", () =>
    Effect.gen(function* () {
      const { log, raced } = racing(Effect.never, Effect.never)
      const running = yield* raced
      yield* Effect.sleep("1 minute")
      yield* Fiber.interrupt(running)
      assert.lengthOf(log, 4)
    }).pipe(inTime)
  )
})

// Builders

const after = <A>(delay: "1 second" | "3 seconds" | "4 seconds" | "9 seconds" | "10 seconds", value: A) =>
  Effect.delay(Effect.succeed(value), delay)

/** A race whose first effect is late after two seconds, and a log of the resources of both. */
const racing = <E>(first: Effect.Effect<string, E>, second: Effect.Effect<string, E>) => {
  const log: Array<string> = []
  const note = (entry: string) => Effect.sync(() => log.push(entry))
  const using = (name: string, effect: Effect.Effect<string, E>): Effect.Effect<string, E, Scope.Scope> =>
    Effect.andThen(
      Effect.acquireRelease(note(`open ${name}`), () => note(`close ${name}`)),
      effect
    )
  const raced = race(using("first", first), Effect.sleep("2 seconds"), using("second", second))
  return { log, raced: Effect.forkChild(Effect.scoped(raced)) }
}

/** Moves the clock while the test runs. */
const inTime = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const running = yield* Effect.forkChild(test)
    for (let second = 0; second < 200; second++) yield* TestClock.adjust("1 second")
    return yield* Fiber.join(running)
  })
