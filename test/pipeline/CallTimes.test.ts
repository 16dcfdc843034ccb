import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import { ClaudeError, Overloaded } from "../../src/claude/ClaudeError.ts"
import type * as Event from "../../src/claude/Event.ts"
import * as CallTimes from "../../src/pipeline/CallTimes.ts"
import { answerOf, callOf } from "./journal/runs.ts"

describe("the times of a call", () => {
  it.effect("are those of the attempt that answered, also where another one is still running", () =>
    Effect.gen(function* () {
      const times = CallTimes.make(yield* Clock.Clock, "sort")
      assert.isUndefined(times.timing())
      times.sent(event("call-sent", 1))
      yield* TestClock.adjust("2 seconds")
      times.sent(event("call-sent", 2))
      yield* TestClock.adjust("100 millis")
      times.firstToken(event("call-first-token", 2))
      yield* TestClock.adjust("900 millis")
      times.finished(finished(2))
      assert.deepStrictEqual(times.timing(), { startedAt: 2000, duration: 1000, firstToken: 100 })
      const lost = times.lost(event("call-interrupted", 1))
      assert.deepStrictEqual([lost?.startedAt, lost?.duration, lost?.reason], [0, 3000, "Interrupted"])
    })
  )

  it.effect("give a lost attempt its reason, once", () =>
    Effect.gen(function* () {
      const times = CallTimes.make(yield* Clock.Clock, "sort")
      times.sent(event("call-sent", 1))
      yield* TestClock.adjust("5 millis")
      const error = new ClaudeError({ reason: new Overloaded({ detail: "busy", status: 529, requestId: "req_9" }) })
      const failed: Event.CallFailed = { ...event("call-failed", 1), error, cost: undefined, saved: undefined }
      const lost = times.lost(failed)
      assert.deepStrictEqual(
        [lost?.path, lost?.reason, lost?.status, lost?.requestId, lost?.duration],
        ["sort", "Overloaded", 529, "req_9", 5]
      )
      assert.isUndefined(times.lost(failed))
    })
  )
})

// Builders

const event = <Tag extends string>(_tag: Tag, attempt: number) => ({ _tag, attempt, model: "claude-haiku-4-5" })

const { reply } = answerOf(callOf("a"))

const finished = (attempt: number): Event.CallFinished => ({
  ...event("call-finished", attempt),
  reply,
  origin: "api",
  requestId: undefined,
  usage: { input: 0, output: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0, webSearches: 0 },
  cost: undefined,
  saved: undefined
})
