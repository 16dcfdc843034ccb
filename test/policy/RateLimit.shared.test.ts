import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { assert, describe, it } from "@effect/vitest"
import { Claude, RateLimit } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const { TEST_REDIS_URL } = process.env
const missing = TEST_REDIS_URL === undefined ? ": TEST_REDIS_URL is not set (redis-server)" : ""

describe.skipIf(missing !== "")(`two processes with one limit in Redis${missing}`, () => {
  it.live("send no more than it together, and equally much each, even if one has many more calls waiting", () =>
    Effect.gen(function* () {
      const perMinute = 1200
      const counts = [0, 0]
      const began = yield* Clock.currentTimeMillis
      yield* Effect.forEach(
        [2, 100],
        (calls, process) => {
          const call = Claude.generateText("hi").pipe(
            Effect.andThen(Effect.sync(() => (counts[process] = (counts[process] ?? 0) + 1))),
            Effect.forever
          )
          return Effect.all(
            Array.from({ length: calls }, () => call),
            { concurrency: "unbounded" }
          ).pipe(Effect.provide(oneProcess(perMinute)))
        },
        { concurrency: 2 }
      ).pipe(Effect.timeoutOption("2 seconds"))
      const [few = 0, many = 0] = counts
      const seconds = ((yield* Clock.currentTimeMillis) - began) / 1000
      assert.isAtMost(few + many, (seconds + 0.5) * (perMinute / 60) + 1)
      assert.isAtLeast(Math.min(few, many), (0.7 * (few + many)) / 2)
    })
  )
})

// Builders

const storeId = `test-${process.pid}-shared`

/** A Claude that answers at once, behind the limits that all share. */
const oneProcess = (requestsPerMinute: number) =>
  TestClaude.layer("hello").pipe(
    RateLimit.policy({
      requestsPerMinute,
      shared: RateLimit.redis(NodeRedis.layer({ url: TEST_REDIS_URL ?? "" }), { storeId })
    }),
    Layer.fresh
  )
