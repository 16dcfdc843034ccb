import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Workers from "../../src/pipeline/Workers.ts"

describe("Workers.run", () => {
  it.effect("works through every element once, with a fixed number of workers", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      let running = 0
      let most = 0
      const work = (element: number) =>
        Effect.gen(function* () {
          most = Math.max(most, ++running)
          yield* Effect.sleep("1 second")
          seen.push(element)
          running -= 1
        })
      const fiber = yield* Effect.forkChild(
        Workers.run(Stream.range(1, 10), { crew: Workers.crew(3), takes: always, work })
      )
      yield* TestClock.adjust("4 seconds")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(
        seen.toSorted((one, other) => one - other),
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
      )
      assert.strictEqual(most, 3)
    })
  )

  it.effect("ends what the work on an element has forked together with that work", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const forked = Effect.onInterrupt(Effect.never, () => Effect.sync(() => void log.push("ended")))
      const work = (element: number) =>
        Effect.andThen(
          Effect.forkChild(forked, { startImmediately: true }),
          Effect.sync(() => void log.push(`work ${element}`))
        )
      yield* Workers.run(Stream.range(1, 2), { crew: Workers.crew(1), takes: always, work })
      assert.deepStrictEqual(log, ["work 1", "ended", "work 2", "ended"])
    })
  )

  it.effect("continues with the other elements where the work on one is interrupted", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const work = (element: number) => (element === 1 ? Effect.interrupt : Effect.sync(() => void seen.push(element)))
      yield* Workers.run(Stream.range(1, 4), { crew: Workers.crew(2), takes: always, work })
      assert.deepStrictEqual(seen, [2, 3, 4])
    })
  )

  it.effect("fails where the stream does, after the elements before that", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const elements = Stream.concat(Stream.range(1, 2), Stream.fail("broken"))
      const work = (element: number) =>
        Effect.andThen(
          Effect.yieldNow,
          Effect.sync(() => void seen.push(element))
        )
      const error = yield* Effect.flip(Workers.run(elements, { crew: Workers.crew(2), takes: always, work }))
      assert.strictEqual(error, "broken")
      assert.deepStrictEqual(seen, [1, 2])
    })
  )

  it.effect("takes no element where it must not, and reads no further", () =>
    Effect.gen(function* () {
      let read = 0
      let left = 3
      const elements = Stream.rechunk(
        Stream.tap(Stream.range(1, 9), () => Effect.sync(() => void read++)),
        1
      )
      yield* Workers.run(elements, { crew: Workers.crew(1), takes: () => left-- > 0, work: () => Effect.void })
      assert.isAtMost(read, 4)
    })
  )

  it.effect("waits for the end of every worker when it is interrupted", () =>
    Effect.gen(function* () {
      let ended = 0
      const work = () =>
        Effect.onInterrupt(Effect.never, () =>
          Effect.andThen(
            Effect.yieldNow,
            Effect.sync(() => void ended++)
          )
        )
      const fiber = yield* Effect.forkChild(
        Workers.run(Stream.range(1, 9), { crew: Workers.crew(4), takes: always, work })
      )
      yield* TestClock.adjust(0)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(ended, 4)
    })
  )
})

// Builders

const always = () => true
