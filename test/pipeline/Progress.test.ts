import { assert, describe, it } from "@effect/vitest"
import { type Event, Cost, Progress, Usage } from "effect-claude"
import { BigDecimal, Duration } from "effect"
import { message } from "../fixtures.ts"
import {
  after,
  at,
  attempt,
  brokenOff,
  failed,
  finished,
  interrupted,
  overloaded,
  retried,
  sent
} from "./progress/events.ts"

describe("Progress", () => {
  it("counts rows, calls, retries, tokens and cost", () => {
    const progress = after([
      { _tag: "rows-counted", total: 4, done: 1 },
      ...attempt(1, failed),
      retried(overloaded.reason),
      ...attempt(2, finished("0.25")),
      { _tag: "row-finished", index: 1, succeeded: true },
      { _tag: "row-finished", index: 2, succeeded: false },
      sent(3)
    ])
    assert.deepInclude(progress, { total: 4, skipped: 1, succeeded: 1, failed: 1, calls: 3, inFlight: 1, retries: 1 })
    assert.deepInclude(progress, { inputTokens: 100, outputTokens: 20, emulated: false })
    assert.strictEqual(Cost.format(progress.cost), "$0.2500")
  })

  it("counts the tokens and the cost of an interrupted answer", () => {
    const progress = after([...attempt(1, brokenOff("0.5")), ...attempt(2, failed), ...attempt(3, finished("1"))])
    assert.deepInclude(progress, { inputTokens: 107, outputTokens: 20, inFlight: 0, unpricedCalls: 0 })
    assert.strictEqual(Progress.cost(progress), "$1.50")
  })

  it("distinguishes overlapping attempts", () => {
    const first = { ...finished("1"), attempt: 1 }
    const second = { ...finished("2"), attempt: 2 }
    const progress = after([sent(1), sent(2), second])
    assert.deepInclude(progress, { calls: 2, inFlight: 1 })
    assert.deepInclude(Progress.update(progress, at(first)), { calls: 2, inFlight: 0 })
    assert.strictEqual(Progress.cost(Progress.update(progress, at(first))), "$3.00")
  })

  it("bills an attempt once, even if its end is reported twice", () => {
    const progress = after([...attempt(1, finished("1")), { ...finished("1"), attempt: 1 }, interrupted(1)])
    assert.deepInclude(progress, { calls: 1, inFlight: 0, inputTokens: 100 })
    assert.strictEqual(Progress.cost(progress), "$1.00")
  })

  it("bills an interrupted attempt whose answer arrives late, and does not count it as in flight", () => {
    const stopped = after([sent(1), sent(2), interrupted(1)])
    assert.deepInclude(stopped, { inFlight: 1, inputTokens: 0 })
    const late = after([sent(1), sent(2), interrupted(1), { ...finished("1"), attempt: 1 }])
    assert.deepInclude(late, { inFlight: 1, inputTokens: 100 })
    assert.strictEqual(Progress.cost(late), "$1.00")
  })

  it("records that an emulator answered", () => {
    assert.isTrue(after(attempt(1, { ...finished("1"), requestId: "req_emulated_00000001" })).emulated)
  })

  it("does not count the items of a Batch within a row", () => {
    const progress = after([
      { _tag: "rows-counted", total: 2, done: 0 },
      { _tag: "item-finished", index: 0, succeeded: true },
      { _tag: "item-finished", index: 1, succeeded: false },
      { _tag: "row-finished", index: 0, succeeded: true }
    ])
    assert.include(Progress.line(progress), "1/2 rows")
    assert.deepInclude(progress, { succeeded: 1, failed: 0 })
  })

  it("counts answers that were repaired or asked for again", () => {
    const events = ["output-repaired", "output-reasked", "output-reasked"] as const
    const progress = events.reduce(
      (progress, _tag) => Progress.update(progress, at({ _tag, model: "claude-sonnet-5-5" })),
      Progress.empty
    )
    assert.strictEqual(
      Progress.invalidOutputs(progress),
      "answers that did not fit their schema: 1 repaired without a call, 2 asked for again"
    )
    assert.isFalse(Progress.invalidOutputs(Progress.empty))
  })

  it("counts fallbacks and hedges", () => {
    const progress = after([
      { _tag: "call-fell-back", model: "claude-opus-5-5", to: "claude-opus-5", error: overloaded },
      { _tag: "call-hedged", model: "claude-opus-5", after: Duration.seconds(2) }
    ])
    assert.strictEqual(Progress.fallbacks(progress), "fallback: 1 time, last claude-opus-5-5 → claude-opus-5")
    assert.strictEqual(Progress.hedges(progress), "hedging: 1 late request sent twice")
    assert.include(Progress.line(progress), "1 fallback")
    assert.deepStrictEqual([Progress.fallbacks(Progress.empty), Progress.hedges(Progress.empty)], [false, false])
  })

  it("counts replies of earlier runs apart from answers of the response cache", () => {
    const hit = (origin: "journal" | "cache"): Event.EventBody => ({
      _tag: "call-hit",
      model: "claude-sonnet-5-5",
      reply: { message: message(), requestId: "req_1", origin, rateLimits: undefined },
      requestId: "req_1",
      usage: Usage.zero,
      saved: BigDecimal.fromStringUnsafe("0.5")
    })
    const progress = after([hit("journal"), hit("cache"), hit("journal")])
    assert.strictEqual(Progress.replays(progress), "state: 2 answers reused, saved $1.00")
    assert.strictEqual(Progress.responseCache(progress), "response cache: 1 answer, saved $0.5000")
    assert.isFalse(Progress.replays(after([hit("cache")])))
  })
})
