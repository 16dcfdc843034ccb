import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, References } from "effect"
import * as InFlight from "../../src/pipeline/InFlight.ts"

describe("InFlight", () => {
  it.effect("lets no more calls begin than the limit, until one leaves", () =>
    Effect.gen(function* () {
      const inFlight = InFlight.make(Effect.succeed(2))
      const begun: Array<number> = []
      const enter = (call: number) => Effect.forkChild(inFlight.enter(() => void begun.push(call)))
      yield* Effect.forEach([1, 2, 3, 4], enter)
      yield* Effect.yieldNow
      assert.deepStrictEqual(begun, [1, 2])
      inFlight.leave()
      yield* Effect.yieldNow
      assert.deepStrictEqual(begun, [1, 2, 3])
    })
  )

  it.effect("takes no place for a call that is interrupted while it waits", () =>
    Effect.gen(function* () {
      const inFlight = InFlight.make(Effect.succeed(1))
      const begun: Array<string> = []
      yield* inFlight.enter(() => void begun.push("first"))
      const second = yield* Effect.forkChild(inFlight.enter(() => void begun.push("second")))
      const third = yield* Effect.forkChild(inFlight.enter(() => void begun.push("third")))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(second)
      inFlight.leave()
      yield* Fiber.join(third)
      assert.deepStrictEqual(begun, ["first", "third"])
    })
  )

  // A fiber may yield after any step; a small number of steps between yields makes it do so at every place.
  it.effect.each([3, 4, 5, 6])(
    "misses no call that leaves while the next one begins to wait, %i steps apart",
    (steps) =>
      Effect.gen(function* () {
        for (let yields = 0; yields < 6; yields++) {
          const inFlight = InFlight.make(Effect.succeed(1))
          yield* inFlight.enter(() => undefined)
          const enter = Effect.provideService(
            inFlight.enter(() => undefined),
            References.MaxOpsBeforeYield,
            steps
          )
          const second = yield* Effect.forkChild(enter)
          for (let count = 0; count < yields; count++) yield* Effect.yieldNow
          inFlight.leave()
          for (let count = 0; count < 50; count++) yield* Effect.yieldNow
          assert.isDefined(second.pollUnsafe(), `after ${yields} yields`)
        }
      })
  )

  it.effect("follows a limit that grows", () =>
    Effect.gen(function* () {
      let limit = 1
      const inFlight = InFlight.make(Effect.sync(() => limit))
      let begun = 0
      const enter = inFlight.enter(() => void (begun += 1))
      yield* enter
      limit = 3
      yield* Effect.andThen(enter, enter)
      assert.strictEqual(begun, 3)
    })
  )
})
