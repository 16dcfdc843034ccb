import { assert, describe, it } from "@effect/vitest"
import { ClaudeError } from "effect-claude"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Reach from "../../src/pipeline/Reach.ts"

describe("the host of a run", () => {
  it.effect("counts as unreachable after half a minute of attempts, of which none has reached it", () =>
    Effect.gen(function* () {
      const reach = Reach.make(yield* Clock.Clock)
      for (let attempt = 0; attempt < 30; attempt++) {
        assert.isFalse(reach.failed(unknown))
        yield* TestClock.adjust("1 second")
      }
      assert.isTrue(reach.failed(unknown))
    })
  )

  it.effect("counts as reachable in a short outage of many calls, and after few attempts in a long one", () =>
    Effect.gen(function* () {
      const reach = Reach.make(yield* Clock.Clock)
      for (let attempt = 0; attempt < 100; attempt++) assert.isFalse(reach.failed(unknown))
      reach.answered()
      for (let attempt = 0; attempt < 15; attempt++) {
        yield* TestClock.adjust("1 minute")
        assert.isFalse(reach.failed(unknown))
      }
    })
  )

  it.effect("counts as reachable once it has answered, or has broken a connection", () =>
    Effect.gen(function* () {
      const reach = Reach.make(yield* Clock.Clock)
      for (const contact of [reach.answered, () => void reach.failed(broken)]) {
        for (let attempt = 0; attempt < 20; attempt++) {
          yield* TestClock.adjust("1 second")
          reach.failed(unknown)
        }
        contact()
        yield* TestClock.adjust("20 seconds")
        assert.isFalse(reach.failed(unknown))
      }
    })
  )
})

const failure = (code: string) =>
  new ClaudeError.ClaudeError({ reason: new ClaudeError.ConnectionFailed({ detail: "no answer", code }) })
const unknown = failure("ENOTFOUND")
const broken = failure("ECONNRESET")
