import { assert, describe, it } from "@effect/vitest"
import { Claude, Event, Job, Retry, Telemetry } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { BigDecimal, Effect, Fiber, Metric } from "effect"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as TestClock from "effect/testing/TestClock"
import * as Metrics from "../../../src/run/work/Metrics.ts"
import { message } from "../../fixtures.ts"
import { greetings, inFolder, notYou, overloaded } from "../../pipeline/jobs.ts"
import { asRow, makeStore } from "../../pipeline/rows.ts"
import { parse, valueOf } from "./prometheus.ts"

const model = "claude-sonnet-5-5"

describe("the metrics of a job", () => {
  it.effect("count its rows, calls, tokens and money, and the page keeps to the format", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const job = greetings(["Ann", "Bob", "you"])
        yield* files.run(job)
        const samples = yield* page
        const value = (name: string, labels = {}) =>
          valueOf(samples, `effect_claude_${name}`, { job: job.name, ...labels })
        assert.deepStrictEqual(
          [value("rows_total", { state: "done" }), value("rows_total", { state: "failed" })],
          [2, 1]
        )
        assert.strictEqual(value("calls_total", { model, outcome: "answered" }), 2)
        assert.strictEqual(value("calls_total", { model, outcome: "failed" }), 1)
        assert.strictEqual(value("call_failures_total", { model, reason: "InvalidRequest" }), 1)
        assert.isAbove(value("tokens_total", { model, kind: "input" }) ?? 0, 0)
        assert.isAbove(value("spend_usd_total", { model }) ?? 0, 0)
        assert.deepStrictEqual([value("calls_in_flight"), value("calls_waiting")], [0, 0])
        assert.strictEqual(
          valueOf(samples, "gen_ai_client_inference_duration_count", { error_type: "InvalidRequest" }),
          1
        )
      })
    ).pipe(
      Effect.provide(TestClaude.layer(TestClaude.when(/you/, [notYou]), "hello").pipe(Telemetry.policy())),
      measured("greetings")
    )
  )

  it.effect("show calls in flight apart from calls that wait, such as before a repeat", () =>
    Effect.gen(function* () {
      const calls = Effect.all([Claude.generateText("Ann"), Claude.generateText("Bob")], { concurrency: 2 })
      const run = yield* Effect.forkChild(asRow(makeStore())(calls))
      yield* TestClock.adjust("1 millis")
      const samples = yield* page
      assert.strictEqual(valueOf(samples, "effect_claude_calls_in_flight", {}), 1)
      assert.strictEqual(valueOf(samples, "effect_claude_calls_waiting", {}), 1)
      assert.strictEqual(valueOf(samples, "effect_claude_retries_total", { reason: "Overloaded" }), 1)
      yield* Fiber.interrupt(run)
      const after = yield* page
      assert.strictEqual(valueOf(after, "effect_claude_calls_in_flight", {}), 0)
      assert.strictEqual(valueOf(after, "effect_claude_calls_waiting", {}), 0)
      assert.strictEqual(valueOf(after, "effect_claude_calls_total", { outcome: "interrupted" }), 1)
    }).pipe(
      measured("greetings"),
      Effect.provide(TestClaude.layer(TestClaude.when(/Bob/, [overloaded]), () => Effect.never).pipe(Retry.policy()))
    )
  )

  it.effect("tell replayed answers from paid ones", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(["Ann"]))
        yield* files.run(Job.make({ ...greetings(["Ann"]) }), { changed: "rerun" })
        const samples = yield* page
        assert.strictEqual(valueOf(samples, "effect_claude_calls_total", { outcome: "answered" }), 1)
        assert.strictEqual(valueOf(samples, "effect_claude_calls_total", { outcome: "replayed" }), 1)
      })
    ).pipe(Effect.provide(TestClaude.layer("hello")), measured("greetings"))
  )

  it.effect("bill an answer that arrives after the interruption of its call, and each attempt once", () =>
    Effect.gen(function* () {
      const listener = yield* Metrics.listener("late")
      const emit = (body: Event.EventBody) => listener({ ...body, site })
      const { cost, ...answer } = Event.finished(1, { ...facts, message: message() }, new Date(0))
      const once = Effect.gen(function* () {
        yield* emit({ _tag: "call-sent", attempt: 1, model })
        yield* emit({ _tag: "call-interrupted", attempt: 1, model })
        yield* emit({ ...answer, cost })
        yield* emit({ ...answer, cost })
      })
      yield* once
      const samples = yield* page
      assert.strictEqual(valueOf(samples, "effect_claude_spend_usd_total", {}), cost && BigDecimal.toNumberUnsafe(cost))
      assert.strictEqual(valueOf(samples, "effect_claude_calls_total", { outcome: "interrupted" }), 1)
      assert.strictEqual(valueOf(samples, "effect_claude_calls_in_flight", {}), 0)
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("count the chunks that the worker holds, and those that it has completed, given back and lost", () =>
    Effect.gen(function* () {
      const listener = yield* Metrics.listener("chunks")
      const emit = (body: Event.EventBody) => listener({ ...body, site })
      for (let chunk = 0; chunk < 4; chunk++) yield* emit({ _tag: "chunk-taken" })
      for (const outcome of ["completed", "given-back", "lost"] as const) yield* emit({ _tag: "chunk-ended", outcome })
      const samples = yield* page
      const ended = (outcome: string) => valueOf(samples, "effect_claude_chunks_total", { outcome })
      assert.deepStrictEqual(["completed", "given_back", "lost"].map(ended), [1, 1, 1])
      assert.strictEqual(valueOf(samples, "effect_claude_chunks_held", {}), 1)
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("count the requests of batches, and start again at zero in flight when a session has broken off", () =>
    Effect.gen(function* () {
      const listener = yield* Metrics.listener("batches")
      const emit = (body: Event.EventBody) => listener({ ...body, site })
      yield* emit({ _tag: "batch-sent", batch: "b", requests: 5, how: "sent", since: 0 })
      yield* emit({ _tag: "batch-sent", batch: "b", requests: 5, how: "resumed", since: 0 })
      yield* emit({ _tag: "batch-ended", batch: "b", requests: 5, succeeded: 3, errored: 1, canceled: 0, expired: 1 })
      yield* emit({ _tag: "call-sent", attempt: 1, model })
      yield* emit({ _tag: "job-waits", reason: "the database has restarted" })
      const samples = yield* page
      const items = (outcome: string) => valueOf(samples, "effect_claude_batch_items_total", { outcome })
      assert.deepStrictEqual(["sent", "succeeded", "errored", "canceled", "expired"].map(items), [5, 3, 1, 0, 1])
      assert.strictEqual(valueOf(samples, "effect_claude_calls_in_flight", {}), 0)
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("escape the name of the job, and hold no secret", () =>
    Effect.gen(function* () {
      const key = `sk-ant-${"secret".repeat(5)}`
      yield* Metrics.listener(`a "job"\\\nof ${key}`)
      const samples = yield* page
      assert.strictEqual(valueOf(samples, "effect_claude_calls_waiting", { job: 'a "job"\\\nof [redacted]' }), 0)
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("have the name of the worker", () =>
    Effect.gen(function* () {
      yield* Metrics.countWorker("pod-7")
      assert.strictEqual(valueOf(yield* page, "effect_claude_worker_info", { worker: "pod-7" }), 1)
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})

// Builders

const site = { job: undefined, row: undefined, path: [], labels: {} }
const facts = { requestId: "req_1", origin: "api", rateLimits: undefined } as const

const page = Effect.map(PrometheusMetrics.format(), parse)

/** Measures an effect as a job, in a registry of its own. */
const measured =
  (job: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.flatMap(Metrics.listener(job), (listener) => Event.listen(listener)(effect)).pipe(
      Effect.provideService(Metric.MetricRegistry, new Map())
    )
