import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Event from "../../src/claude/Event.ts"
import * as CallSite from "../../src/claude/CallSite.ts"
import { Overloaded, ClaudeError } from "../../src/claude/ClaudeError.ts"
import { message } from "../fixtures.ts"

describe("emit", () => {
  it.effect("computes nothing while nobody listens", () => Event.emit(() => assert.fail("computed")))

  it.effect("tells what happened, and where", () =>
    Effect.gen(function* () {
      const { events, listener } = recording()
      const sent = Event.emit(() => ({ _tag: "call-sent", model: "claude-sonnet-5-5" }))
      yield* sent.pipe(CallSite.within("ask"), CallSite.row("letters", "row-7"), Event.listen(listener))
      assert.deepStrictEqual(events, [
        {
          _tag: "call-sent",
          model: "claude-sonnet-5-5",
          site: { job: "letters", row: "row-7", path: ["ask"], labels: {} }
        }
      ])
    })
  )
})

describe("emitFinished", () => {
  it.effect("tells what an answer is billed for, and what that costs", () =>
    Effect.gen(function* () {
      const { events, listener } = recording()
      const facts = { requestId: "req_1", origin: "api", rateLimits: undefined } as const
      yield* Event.emitFinished({ ...facts, message: message() }).pipe(Event.listen(listener))
      const [event] = events
      assert.isTrue(event?._tag === "call-finished")
      if (event?._tag !== "call-finished") return
      assert.deepInclude(event.usage, { input: 10, output: 20 })
      // 10 × $2 + 20 × $10 for a million tokens each
      assert.strictEqual(event.cost && BigDecimal.format(event.cost), "0.00022")
      assert.deepInclude(event, { origin: "api", requestId: "req_1", model: "claude-sonnet-5-5" })
    })
  )
})

describe("listen", () => {
  it.effect("adds a listener to those outside, which hear first", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const by = (name: string) => () => Effect.sync(() => heard.push(name))
      const failed = new ClaudeError({ reason: new Overloaded({ detail: "later" }) })
      yield* Event.emit(() => ({ _tag: "call-failed", model: "m", error: failed, cost: undefined })).pipe(
        Event.listen(by("inner")),
        Event.listen(by("outer"))
      )
      yield* Event.emit(() => assert.fail("heard outside"))
      assert.deepStrictEqual(heard, ["outer", "inner"])
    })
  )
})

// Builders

const recording = () => {
  const events: Array<Event.Event> = []
  const listener: Event.Listener = (event) => Effect.sync(() => events.push(event))
  return { events, listener }
}
