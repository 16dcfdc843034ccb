import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Duration from "effect/Duration"
import type * as Event from "../../src/claude/Event.ts"
import type { Minute } from "../../src/pipeline/journal/CallLog.ts"
import * as Minutes from "../../src/pipeline/Minutes.ts"
import { answerOf, callOf } from "./journal/runs.ts"

describe("the minutes of a run", () => {
  it("have the waits by reason, each in its minute", () => {
    const { minutes, stored } = recorded()
    minutes.waited(waited("rate-limit", 100), 0)
    minutes.waited(waited("rate-limit", 50), 59_999)
    minutes.waited(waited("budget", 5), 59_999)
    assert.deepStrictEqual(stored, [])
    minutes.waited(waited("budget", 7), 60_000)
    minutes.flush()
    assert.deepStrictEqual(stored, [
      [0, { waits: { "rate-limit": { calls: 2, milliseconds: 150 }, budget: { calls: 1, milliseconds: 5 } } }],
      [1, { waits: { budget: { calls: 1, milliseconds: 7 } } }]
    ])
  })

  it("have the limits of a group of models once, and again when they change", () => {
    const { minutes, stored } = recorded()
    const answer = (limit: number, now: number) => {
      const rateLimits = { requests: { limit, remaining: 1 } }
      minutes.answered("claude-haiku-4-5", { ...answerOf(callOf("a")).reply, rateLimits }, now)
    }
    answer(50, 0)
    answer(50, 60_000)
    answer(100, 120_000)
    minutes.flush()
    assert.deepStrictEqual(stored, [
      [0, { limits: { "claude-haiku-4": { requests: 50 } } }],
      [2, { limits: { "claude-haiku-4": { requests: 100 } } }]
    ])
  })

  it("have the price of the replies that were used again", () => {
    const { minutes, stored } = recorded()
    minutes.replayed(BigDecimal.fromStringUnsafe("0.1"), 0)
    minutes.replayed(BigDecimal.fromStringUnsafe("0.2"), 1)
    minutes.replayed(undefined, 2)
    minutes.flush()
    const saved = stored[0]?.[1].replays
    assert.deepStrictEqual([saved?.calls, saved && BigDecimal.format(saved.saved), saved?.unpriced], [3, "0.3", 1])
  })

  it("are none without anything to store", () => {
    const { minutes, stored } = recorded()
    minutes.flush()
    assert.deepStrictEqual(stored, [])
  })
})

// Builders

const recorded = () => {
  const stored: Array<readonly [number, Minute]> = []
  return { stored, minutes: Minutes.make((minute, detail) => void stored.push([minute, detail])) }
}

const waited = (reason: Event.CallWaited["for"], milliseconds: number): Event.CallWaited => ({
  _tag: "call-waited",
  model: "claude-haiku-4-5",
  for: reason,
  duration: Duration.millis(milliseconds)
})
