import { assert, describe, it } from "@effect/vitest"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Shared from "../../../src/policy/responseCache/Shared.ts"

describe("a shared run", () => {
  it.effect("starts once, and gives its result to every caller that joins", () =>
    Effect.gen(function* () {
      const { closed, joined, started } = sharing(Effect.delay(Effect.succeed("done"), "1 second"))
      const first = yield* Effect.forkChild(joined)
      yield* TestClock.adjust("500 millis")
      const second = yield* Effect.forkChild(joined)
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual(yield* Fiber.joinAll([first, second]), ["done", "done"])
      assert.deepStrictEqual([started(), closed() > 0], [1, true])
    })
  )

  it.effect("continues when its first caller leaves, and stops when its last caller leaves", () =>
    Effect.gen(function* () {
      const { closed, joined, stopped } = sharing(Effect.never)
      const [first, second] = [yield* Effect.forkChild(joined), yield* Effect.forkChild(joined)]
      yield* TestClock.adjust(0)
      yield* Fiber.interrupt(first)
      assert.deepStrictEqual([closed(), stopped()], [0, 0])
      yield* Fiber.interrupt(second)
      assert.deepStrictEqual([closed() > 0, stopped()], [true, 1])
    })
  )

  it.effect("fails with the same error for every caller", () =>
    Effect.gen(function* () {
      const { joined } = sharing(Effect.fail("broken"))
      const both = Effect.all([Effect.flip(joined), Effect.flip(joined)], { concurrency: 2 })
      assert.deepStrictEqual(yield* both, ["broken", "broken"])
    })
  )
})

// Builders

const sharing = <A, E>(run: Effect.Effect<A, E>) => {
  let started = 0
  let stopped = 0
  let closed = 0
  const counted = Effect.suspend(() => {
    started++
    return run
  })
  const shared = Shared.make(
    Effect.onInterrupt(counted, () => Effect.sync(() => stopped++)),
    () => closed++
  )
  const joined = Effect.uninterruptibleMask((restore) =>
    Effect.contextWith((context: Context.Context<never>) =>
      Effect.ensuring(restore(Fiber.join(shared.join(context))), shared.leave)
    )
  )
  return { joined, started: () => started, stopped: () => stopped, closed: () => closed }
}
