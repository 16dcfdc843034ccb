import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Signals from "../../src/run/Signals.ts"

describe("the first signal", () => {
  it.effect("goes to the command that waits for it, and the second one does not", () =>
    Effect.gen(function* () {
      const signals = Signals.make()
      const waiting = yield* Effect.forkChild(signals.first, { startImmediately: true })
      assert.isTrue(signals.send("SIGTERM"))
      assert.strictEqual(yield* Fiber.join(waiting), "SIGTERM")
      assert.isFalse(signals.send("SIGINT"))
    })
  )

  it.effect("interrupts the program if no command waits for it", () =>
    Effect.gen(function* () {
      const signals = Signals.make()
      const waiting = yield* Effect.forkChild(signals.first, { startImmediately: true })
      yield* Fiber.interrupt(waiting)
      assert.isFalse(signals.send("SIGINT"))
    })
  )
})
