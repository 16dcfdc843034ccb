import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import * as Hold from "../../src/claude/Hold.ts"

describe("a call", () => {
  it.effect("is held back until its wait has succeeded", () =>
    Effect.gen(function* () {
      const hold = { isHeld: false }
      const during = Effect.sync(() => hold.isHeld)
      assert.isTrue(yield* Effect.provideService(Hold.until(during), Hold.Hold, hold))
      assert.isFalse(hold.isHeld)
    })
  )

  it.effect("stays held back where its wait fails or is interrupted, because it was never sent", () =>
    Effect.gen(function* () {
      for (const wait of [Effect.fail("refused"), Effect.never]) {
        const hold = { isHeld: false }
        const fiber = yield* Effect.forkChild(Effect.provideService(Hold.until(wait), Hold.Hold, hold))
        yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
        assert.isTrue(Exit.isFailure(yield* Fiber.await(fiber)))
        assert.isTrue(hold.isHeld)
      }
    })
  )
})
