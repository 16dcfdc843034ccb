import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import { CallSite } from "../../../src/claude/CallSite.ts"
import { ClaudeError, Overloaded } from "../../../src/claude/ClaudeError.ts"
import type { EventBody } from "../../../src/claude/Event.ts"
import { redact } from "../../../src/claude/Redact.ts"
import * as Timeline from "../../../src/policy/telemetry/Timeline.ts"

describe("the timeline of a call", () => {
  it.effect("has a span for each attempt, stream and wait", () =>
    Effect.gen(function* () {
      const { spans, tracer } = collecting()
      const timeline = Timeline.make(callSpan(), tracer, redact)
      yield* happen(timeline)
      timeline.close(5_000_000_000n, Exit.void)
      assert.deepStrictEqual(spans.map(timesOf), [
        ["wait for concurrency", 0, [1000]],
        ["attempt 1", 1000, [1000]],
        ["wait to repeat", 1000, [3000]],
        ["attempt 2", 3000, [5000]],
        ["stream", 4000, [5000]]
      ])
      assert.strictEqual(timeline.firstChunk(), 1)
    })
  )

  it.effect("ends a wait once, when the call ends before it", () =>
    Effect.gen(function* () {
      const { spans, tracer } = collecting()
      const timeline = Timeline.make(callSpan(), tracer, redact)
      for (const repeat of [1, 2]) yield* hear(timeline, retried(repeat))
      timeline.close(1_000_000_000n, Exit.void)
      assert.deepStrictEqual(spans.map(timesOf), [
        ["wait to repeat", 0, [1000]],
        ["wait to repeat", 0, [1000]]
      ])
    })
  )

  it.effect("has no spans with the native tracer, and measures the time to the first content all the same", () =>
    Effect.gen(function* () {
      const timeline = Timeline.make(callSpan(), Tracer.nativeTracer, redact)
      yield* happen(timeline)
      assert.isFalse(timeline.drawn)
      assert.strictEqual(timeline.firstChunk(), 1)
    })
  )
})

// Builders

const model = "claude-sonnet-5-5"
const error = new ClaudeError({ reason: new Overloaded({ detail: "busy" }) })

const hear = ({ listener }: Timeline.Timeline, event: EventBody) =>
  Effect.flatMap(CallSite, (site) => listener({ ...event, site }))

const retried = (repeat: number): EventBody => ({
  _tag: "call-retried",
  model,
  repeat,
  repeats: 2,
  delay: Duration.seconds(2),
  error
})

/** A wait of a second, a failed attempt, a wait of two seconds, and a stream. Numbers are seconds between the events. */
const happen = Effect.fnUntraced(function* (timeline: Timeline.Timeline) {
  const steps: ReadonlyArray<EventBody | number> = [
    1,
    { _tag: "call-waited", model, for: "concurrency", duration: Duration.seconds(1) },
    { _tag: "call-sent", model, attempt: 7 },
    { _tag: "call-failed", model, attempt: 7, error, cost: undefined, saved: undefined },
    retried(1),
    2,
    { _tag: "call-sent", model, attempt: 8 },
    1,
    { _tag: "call-first-token", model, attempt: 8 },
    1
  ]
  for (const step of steps) {
    if (Predicate.isNumber(step)) yield* TestClock.adjust(Duration.seconds(step))
    else yield* hear(timeline, step)
  }
})

/** A span that keeps the times of its ends, in milliseconds. */
class Span extends Tracer.NativeSpan {
  readonly ends: Array<number> = []
  override end(endTime: bigint, exit: Exit.Exit<unknown, unknown>) {
    this.ends.push(Number(endTime / 1_000_000n))
    super.end(endTime, exit)
  }
}

const collecting = () => {
  const spans: Array<Span> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Span(options)
      spans.push(span)
      return span
    }
  })
  return { spans, tracer }
}

const callSpan = () =>
  new Span({
    name: "chat",
    parent: Option.none(),
    annotations: Context.empty(),
    links: [],
    startTime: 0n,
    kind: "client",
    sampled: true
  })

/** The name of a span, its start and its ends, in milliseconds. */
const timesOf = ({ ends, name, status }: Span) => [name, Number(status.startTime / 1_000_000n), ends]
