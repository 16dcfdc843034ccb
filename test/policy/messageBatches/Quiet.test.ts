import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Quiet from "../../../src/policy/messageBatches/Quiet.ts"

describe("a program that waits", () => {
  it.effect("is quiet if its run still is when other fibers have had a turn", () =>
    Effect.gen(function* () {
      let isQuiet = true
      const { quiet, sent } = yield* counting
      quiet.onQuiet({ isQuiet: () => isQuiet })
      quiet.onQuiet({ isQuiet: () => isQuiet })
      assert.strictEqual(sent(), 0)
      yield* turns
      assert.strictEqual(sent(), 1)
      quiet.onQuiet({ isQuiet: () => isQuiet })
      isQuiet = false
      yield* turns
      assert.strictEqual(sent(), 1)
    })
  )

  it.effect("is not quiet while results are handed on, and may be afterwards", () =>
    Effect.gen(function* () {
      const { quiet, sent } = yield* counting
      const [one, other] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const deliveries = yield* Effect.forEach([one, other], (done) =>
        Effect.forkChild(quiet.during(Deferred.await(done)), { startImmediately: true })
      )
      quiet.onQuiet({ isQuiet: () => true })
      yield* turns
      yield* Deferred.succeed(one, undefined)
      yield* turns
      assert.strictEqual(sent(), 0)
      yield* Deferred.succeed(other, undefined)
      yield* Fiber.joinAll(deliveries)
      yield* turns
      assert.strictEqual(sent(), 1)
    })
  )
})

// Builders

const turns = Effect.repeat(Effect.yieldNow, { times: 100 })

const counting = Effect.map(Effect.context<never>(), (context) => {
  let sent = 0
  const quiet = Quiet.make(() => void (sent += 1), Effect.runForkWith(context))
  return { quiet, sent: () => sent }
})
