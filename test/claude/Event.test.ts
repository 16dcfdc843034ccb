import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Event from "../../src/claude/Event.ts"
import * as CallSite from "../../src/claude/CallSite.ts"
import { Overloaded, ClaudeError } from "../../src/claude/ClaudeError.ts"
import { message } from "../fixtures.ts"

describe("emit", () => {
  it.effect("computes nothing without a listener", () => Event.emit(() => assert.fail("computed")))

  it.effect("adds the call site to the event", () =>
    Effect.gen(function* () {
      const { events, listener } = recording()
      const sent = Event.emit(() => ({ _tag: "call-sent", attempt: 1, model: "claude-sonnet-5-5" }))
      yield* sent.pipe(CallSite.within("ask"), CallSite.row("letters", "row-7"), Event.listen(listener))
      assert.deepStrictEqual(events, [
        {
          _tag: "call-sent",
          attempt: 1,
          model: "claude-sonnet-5-5",
          site: { job: "letters", row: "row-7", path: ["ask"], labels: {} }
        }
      ])
    })
  )
})

describe("finished", () => {
  it("carries the reply, its usage and its cost at the price of the day", () => {
    const reply = { requestId: "req_1", origin: "api", rateLimits: undefined, message: message() } as const
    const event = Event.finished(7, reply, new Date("2026-11-28T00:00:00Z"))
    assert.deepInclude(event.usage, { input: 10, output: 20 })
    // 10 × $2 + 20 × $10 for a million tokens each
    assert.strictEqual(event.cost && BigDecimal.format(event.cost), "0.00022")
    assert.deepInclude(event, { attempt: 7, reply, origin: "api", requestId: "req_1", model: "claude-sonnet-5-5" })
  })
})

describe("emitWaited", () => {
  it.effect("reports how long a call waited, also if the clock was set back meanwhile", () =>
    Effect.gen(function* () {
      const { events, listener } = recording()
      yield* TestClock.setTime(3_600_000)
      const since = yield* Clock.monotonicTimeNanos
      yield* TestClock.setTime(0)
      yield* TestClock.adjust("1 second")
      yield* Event.emitWaited("claude-sonnet-5-5", "rate-limit", since).pipe(Event.listen(listener))
      assert.deepStrictEqual(
        events.map((event) => event._tag === "call-waited" && Duration.toMillis(event.duration)),
        [1000]
      )
    })
  )
})

describe("listen", () => {
  it.effect("adds a listener to the outer ones, which receive each event first", () =>
    Effect.gen(function* () {
      const received: Array<string> = []
      const by = (name: string) => () => Effect.sync(() => received.push(name))
      const failed = new ClaudeError({ reason: new Overloaded({ detail: "later" }) })
      yield* Event.emit(() => ({
        _tag: "call-failed",
        attempt: 1,
        model: "m",
        error: failed,
        cost: undefined,
        saved: undefined
      })).pipe(Event.listen(by("inner")), Event.listen(by("outer")))
      yield* Event.emit(() => assert.fail("received outside"))
      assert.deepStrictEqual(received, ["outer", "inner"])
    })
  )
})

// Builders

const recording = () => {
  const events: Array<Event.Event> = []
  const listener: Event.Listener = (event) => Effect.sync(() => events.push(event))
  return { events, listener }
}
