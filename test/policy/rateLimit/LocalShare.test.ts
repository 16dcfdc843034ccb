import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { Amounts } from "../../../src/policy/rateLimit/Buckets.ts"
import * as LocalShare from "../../../src/policy/rateLimit/LocalShare.ts"

it.effect("the share of a process refills with its part of the limits", () =>
  Effect.gen(function* () {
    const share = LocalShare.make({ requests: 600 }, 4)
    let taken = 0
    while ((yield* Effect.clockWith((clock) => clock.currentTimeMillis)) < 60_000) {
      const answer = yield* share.reserve("group", one)
      if (answer._tag === "Reservation") taken += 1
      else yield* TestClock.adjust(Math.ceil(answer.milliseconds))
    }
    assert.closeTo(taken, 150, 2)
  })
)

it.effect("the share of a process is its part of what the API reports", () =>
  Effect.gen(function* () {
    const share = LocalShare.make({}, 2)
    const call = yield* share.reserve("group", one)
    assert.isTrue(call._tag === "Reservation")
    if (call._tag === "Wait") return
    yield* call.learn({ requests: { limit: 120, remaining: 0 } })
    yield* call.settle(one)
    const next = yield* share.reserve("group", one)
    assert.isTrue(next._tag === "Wait" && next.milliseconds > 1000, "the limit is 60 for this process")
  })
)

// Builders

const one: Amounts = { requests: 1, inputTokens: 0, outputTokens: 0 }
