import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { ClaudeError, Overloaded } from "../../../src/claude/ClaudeError.ts"
import { layerSpans, Spans, waterfall } from "../../../src/policy/telemetry/Waterfall.ts"

describe("a waterfall", () => {
  it("has a line for each span below its parent, with its share of the time and its error", () => {
    const row = span("letter", 0, 1000)
    const call = span("chat claude-sonnet-5-5", 100, 1000, row)
    call.attributes.set("effect_claude.step.path", "read")
    const spans = [
      row,
      call,
      span("attempt 2", 550, 1000, call),
      span("attempt 1", 100, 300, call, Exit.fail(new ClaudeError({ reason: new Overloaded({ detail: "later" }) }))),
      span("left", 990, 1000, undefined, Exit.interrupt())
    ]
    assert.deepStrictEqual(waterfall(spans, 20).split("\n"), [
      "letter                           ━━━━━━━━━━━━━━━━━━━━         1s",
      "  chat claude-sonnet-5-5 (read)    ━━━━━━━━━━━━━━━━━━      900ms",
      "    attempt 1                      ━━━━                    200ms  failed: Overloaded",
      "    attempt 2                               ━━━━━━━━━      450ms",
      "left                                                ━       10ms  interrupted"
    ])
  })

  it("names the origin of an answer that did not come from the API", () => {
    const [asked, hit] = [span("chat a", 0, 10), span("chat b", 0, 10)]
    asked.attributes.set("effect_claude.origin", "api")
    hit.attributes.set("effect_claude.origin", "cache")
    assert.deepStrictEqual(waterfall([asked, hit], 1).split("\n"), [
      "chat a  ━       10ms",
      "chat b  ━       10ms  from the cache"
    ])
  })

  it("names the row of a span", () => {
    const row = span("row", 0, 10)
    row.attributes.set("effect_claude.row", "7")
    assert.strictEqual(waterfall([row], 1), "row (7)  ━       10ms")
  })

  it("leaves out unfinished spans, and is empty without spans", () => {
    const open = new Tracer.NativeSpan(optionsOf("open", 0, undefined))
    assert.strictEqual(waterfall([open]), "")
    assert.strictEqual(waterfall([]), "")
  })

  it.effect("draws the spans of the program that runs with its tracer", () =>
    Effect.gen(function* () {
      yield* Effect.withSpan(Effect.withSpan(Effect.void, "inner"), "outer")
      const lines = waterfall(yield* Effect.flatten(Spans), 4).split("\n")
      assert.deepStrictEqual(
        lines.map((line) => line.slice(0, 7)),
        ["outer  ", "  inner"]
      )
    }).pipe(Effect.provide(layerSpans))
  )
})

// Builders

const optionsOf = (name: string, start: number, parent: Tracer.Span | undefined) => ({
  name,
  parent: Option.fromUndefinedOr(parent),
  annotations: Context.empty(),
  links: [],
  startTime: BigInt(start) * 1_000_000n,
  kind: "internal" as const,
  sampled: true
})

/** A span from `start` to `end`, in milliseconds. */
const span = (
  name: string,
  start: number,
  end: number,
  parent?: Tracer.Span,
  exit: Exit.Exit<unknown, unknown> = Exit.void
) => {
  const made = new Tracer.NativeSpan(optionsOf(name, start, parent))
  return Object.assign(made, {
    status: { _tag: "Ended" as const, startTime: made.startTime, endTime: BigInt(end) * 1_000_000n, exit }
  })
}
