import * as NodeSdk from "@effect/opentelemetry/NodeSdk"
import { assert, describe, it } from "@effect/vitest"
import { SpanKind, SpanStatusCode } from "@opentelemetry/api"
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  PeriodicExportingMetricReader
} from "@opentelemetry/sdk-metrics"
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import * as BigDecimal from "effect/BigDecimal"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type * as Tracer from "effect/Tracer"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Otlp from "effect/observability/Otlp"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import * as TestClock from "effect/testing/TestClock"
import * as AnthropicClient from "../../src/claude/AnthropicClient.ts"
import * as CallSite from "../../src/claude/CallSite.ts"
import { Claude } from "../../src/claude/Claude.ts"
import { ClaudeError, InvalidRequest, Overloaded } from "../../src/claude/ClaudeError.ts"
import * as Cost from "../../src/claude/Cost.ts"
import * as Observe from "../../src/claude/Observe.ts"
import { make, Redactor } from "../../src/claude/Redact.ts"
import type { Reply } from "../../src/claude/Reply.ts"
import type { Request } from "../../src/claude/Request.ts"
import type { StreamEvent } from "../../src/claude/StreamEvent.ts"
import { billed } from "../../src/claude/Usage.ts"
import * as Concurrency from "../../src/policy/Concurrency.ts"
import * as Retry from "../../src/policy/Retry.ts"
import * as Telemetry from "../../src/policy/Telemetry.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"
import { firstHalf, message, request } from "../fixtures.ts"
import { attributesOf, collector } from "./telemetry/collector.ts"
import * as registry from "./telemetry/registry.ts"

describe("a collector receives over OTLP", () => {
  it.live("one client span for each call, with the names, types and values of the conventions' registry", () =>
    Effect.gen(function* () {
      const { spans } = yield* exported(TestClaude.layer([busy, answer]), create(detailed).pipe(somewhere))
      const call = only(spans, "chat claude-sonnet-5-5")
      assert.strictEqual(call.kind, 3)
      assert.strictEqual(call.status.code, 1)
      assert.deepStrictEqual(valuesOf(call), {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-5-5",
        "gen_ai.request.max_tokens": 100,
        "gen_ai.request.reasoning.level": "low",
        "gen_ai.output.type": "json",
        "server.address": "claude.example",
        "server.port": 8443,
        "gen_ai.response.id": "msg_1",
        "gen_ai.response.model": "claude-sonnet-5-5",
        "gen_ai.response.finish_reasons": { values: [{ stringValue: "end_turn" }] },
        "gen_ai.usage.input_tokens": 160,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 100,
        "gen_ai.usage.cache_write.input_tokens": 50,
        "gen_ai.usage.reasoning.output_tokens": 7,
        "effect_claude.attempts": 2,
        "effect_claude.cost.usd": costOfAnswer,
        "effect_claude.origin": "api",
        "effect_claude.request_id": "req_test_2",
        "effect_claude.job": "letters",
        "effect_claude.row": "17",
        "effect_claude.step.path": "classify/ask",
        "effect_claude.label.tenant": "acme"
      })
      for (const span of spans) conforms(span)
    })
  )

  it.live("metrics with the names, units and boundaries of the registry", () =>
    Effect.gen(function* () {
      const calls = Effect.all([create(detailed), Stream.runDrain(stream), Effect.exit(create(request))])
      const { metrics } = yield* exported(TestClaude.layer([answer, answer, invalid]), calls)
      const ours = metrics.filter(({ name }) => name.startsWith("gen_ai."))
      assert.deepStrictEqual(
        Object.fromEntries(
          ours.map(({ histogram, name, unit }) => {
            const bounds = histogram?.dataPoints[0]?.explicitBounds
            return [name, { unit, ...(bounds && { bounds }) }]
          })
        ),
        registry.metrics
      )
      for (const { histogram, sum } of ours) {
        for (const point of [...(histogram?.dataPoints ?? []), ...(sum?.dataPoints ?? [])]) conforms(point)
      }
    })
  )

  it.live("metrics that count each call once, failures by their reason, and all billed tokens", () =>
    Effect.gen(function* () {
      const calls = Effect.all([create(request), Stream.runDrain(stream), Effect.exit(create(request))])
      const { metrics } = yield* exported(TestClaude.layer([answer, answer, invalid]), calls)
      const points = (name: string) => {
        const { histogram, sum } = metrics.find((metric) => metric.name === name) ?? {}
        return [...(histogram?.dataPoints ?? []), ...(sum?.dataPoints ?? [])]
      }
      const inference = (name: string) => points(`gen_ai.client.inference.${name}`)
      const total = (name: string) => inference(name).reduce((sum, { asDouble }) => sum + Number(asDouble), 0)
      assert.deepStrictEqual(
        inference("duration").map((point) => [valuesOf(point)["error.type"], point.count]),
        [
          [undefined, 2],
          ["InvalidRequest", 1]
        ]
      )
      assert.deepStrictEqual(
        inference("time_to_first_chunk").map(({ count }) => count),
        [1]
      )
      assert.deepStrictEqual([total("usage.input_tokens"), total("usage.output_tokens")], [320, 40])
      assert.deepStrictEqual(
        [total("usage.cache_read.input_tokens"), total("usage.cache_write.input_tokens")],
        [200, 100]
      )
      assert.strictEqual(total("usage.reasoning.output_tokens"), 14)
      assert.approximately(Number(points("effect_claude.cost")[0]?.asDouble), 2 * costOfAnswer, 1e-9)
    })
  )

  it.live("the reason of a failed call and of each attempt, as the status and as error.type", () =>
    Effect.gen(function* () {
      const { spans } = yield* exported(TestClaude.layer([busy, invalid]), Effect.exit(create(request)))
      const call = only(spans, "chat claude-sonnet-5-5")
      assert.strictEqual(call.status.code, 2)
      assert.include(call.status.message, "InvalidRequest: no")
      assert.strictEqual(valuesOf(call)["error.type"], "InvalidRequest")
      assert.deepStrictEqual(valuesOf(call)["gen_ai.response.finish_reasons"], { values: [{ stringValue: "error" }] })
      const errors = ["attempt 1", "attempt 2"].map((name) => valuesOf(only(spans, name))["error.type"])
      assert.deepStrictEqual(errors, ["Overloaded", "InvalidRequest"])
      for (const span of spans) conforms(span)
    })
  )

  it.live("errors that the program's redactor has redacted, while the program gets them unchanged", () =>
    Effect.gen(function* () {
      const detail = "messages.0: the patient Ellipse is unknown"
      const ofPatients = Effect.provideService(Redactor, make({ patterns: [/Ellipse/] }))
      const received = yield* Ref.make("")
      const calls = Effect.forEach([create(request), Stream.runDrain(stream)], (call) =>
        Effect.catch(ofPatients(call), ({ message }) => Ref.set(received, message))
      )
      const { everything, spans } = yield* exported(
        TestClaude.layer([1, 2].map(() => new InvalidRequest({ detail }))),
        calls
      )
      assert.include(yield* Ref.get(received), detail)
      assert.notInclude(everything, "Ellipse")
      assert.lengthOf(spans, 4)
      for (const { events, status } of spans) {
        assert.include(status.message, "InvalidRequest: messages.0: the patient [redacted] is unknown")
        const [exception] = events.map(valuesOf)
        assert.strictEqual(exception?.["exception.type"], "ClaudeError")
        for (const name of ["exception.message", "exception.stacktrace"]) {
          assert.include(exception?.[name], "the patient [redacted] is unknown")
        }
      }
    })
  )

  it.live("no error for a stream whose reader stops halfway, and its tokens so far", () =>
    Effect.gen(function* () {
      const half = stream.pipe(
        Stream.takeUntil((event) => event.type === "content_block_delta"),
        Stream.runDrain
      )
      const { spans } = yield* exported(claudeOf(Stream.fromIterable(halfStream)), half)
      const call = only(spans, "chat claude-sonnet-5-5")
      const values = valuesOf(call)
      assert.strictEqual(call.status.code, 0)
      assert.strictEqual(values["effect.fiber.interrupted"], true)
      assert.deepStrictEqual(values["gen_ai.response.finish_reasons"], { values: [{ stringValue: "error" }] })
      assert.deepStrictEqual([values["gen_ai.usage.input_tokens"], values["gen_ai.usage.output_tokens"]], [10, 1])
      assert.isUndefined(values["error.type"])
      for (const name of ["attempt 1", "stream"]) assert.strictEqual(only(spans, name).status.code, 0)
    })
  )
})

describe("tokens that", () => {
  const tokens = (metrics: Effect.Success<ReturnType<typeof exported>>["metrics"], name: string) =>
    metrics
      .filter((metric) => metric.name === `gen_ai.client.inference.${name}`)
      .flatMap(({ histogram, sum }) => [...(histogram?.dataPoints ?? []), ...(sum?.dataPoints ?? [])])
      .map(({ asDouble, sum }) => Number(asDouble ?? sum))

  it.live("are unknown when a call is interrupted are not recorded as zero", () =>
    Effect.gen(function* () {
      const silent = Layer.mock(Claude)({ create: (request) => Observe.create(request, Effect.never) })
      const { metrics } = yield* exported(silent, Effect.timeoutOption(create(request), "10 millis"))
      const names = metrics.map(({ name }) => name)
      assert.include(names, "gen_ai.client.inference.duration")
      assert.deepStrictEqual(
        names.filter((name) => name.includes("tokens")),
        []
      )
    })
  )

  it.live("a failed call did not use are recorded as zero, with its error", () =>
    Effect.gen(function* () {
      const { metrics } = yield* exported(TestClaude.layer([invalid]), Effect.exit(create(request)))
      for (const name of ["operation.input_tokens", "operation.output_tokens"]) {
        const { histogram } = only(metrics, `gen_ai.client.inference.${name}`)
        assert.deepStrictEqual(
          histogram?.dataPoints.map((point) => [valuesOf(point)["error.type"], point.count, point.sum]),
          [["InvalidRequest", 1, 0]]
        )
      }
      assert.deepStrictEqual(tokens(metrics, "usage.input_tokens"), [0])
    })
  )

  it.live("arrived before a reader stopped are recorded", () =>
    Effect.gen(function* () {
      const half = stream.pipe(
        Stream.takeUntil((event) => event.type === "content_block_delta"),
        Stream.runDrain
      )
      const { metrics } = yield* exported(claudeOf(Stream.fromIterable(halfStream)), half)
      for (const name of ["operation.input_tokens", "usage.input_tokens"]) {
        assert.deepStrictEqual(tokens(metrics, name), [10])
      }
    })
  )
})

describe("the text of prompts and answers", () => {
  it.live("is not exported by default", () =>
    Effect.gen(function* () {
      const calls = Effect.all([create(secretive), Effect.exit(create(secretive))])
      const { everything } = yield* exported(TestClaude.layer(["The answer is forty-two.", invalid]), calls)
      assert.include(everything, "chat claude-sonnet-5-5")
      for (const text of ["kettle", "be brief", "forty-two"]) assert.notInclude(everything, text)
    })
  )

  it.live("is on the span with `content`, in the shape of the conventions, redacted", () =>
    Effect.gen(function* () {
      const redacted = Effect.provideService(Redactor, make({ patterns: [/kettle/] }))
      const { everything, spans } = yield* exported(
        TestClaude.layer("The answer is forty-two."),
        redacted(create(secretive)),
        { content: true }
      )
      const call = only(spans, "chat claude-sonnet-5-5")
      conforms(call)
      assert.deepStrictEqual(parsed(call, "gen_ai.system_instructions"), [{ type: "text", content: "be brief" }])
      assert.deepStrictEqual(parsed(call, "gen_ai.input.messages"), [
        { role: "user", parts: [{ type: "text", content: "My [redacted], and my key [redacted]" }] }
      ])
      assert.deepStrictEqual(parsed(call, "gen_ai.output.messages"), [
        { role: "assistant", parts: [{ type: "text", content: "The answer is forty-two." }] }
      ])
      assert.notInclude(everything, "sk-ant-")
    })
  )

  it.live("of a stream is on the span too, up to where the stream ended", () =>
    Effect.gen(function* () {
      const drained = Effect.exit(Stream.runDrain(stream))
      const { spans } = yield* exported(claudeOf(Stream.fromIterable(halfStream)), drained, { content: true })
      const [answer] = parsed(only(spans, "chat claude-sonnet-5-5"), "gen_ai.output.messages")
      assert.deepStrictEqual(answer, { role: "assistant", parts: [{ type: "text", content: "Hello," }] })
    })
  )
})

describe("the trace context", () => {
  it.effect("is sent with `propagate`, as the W3C header of the call's span, and changes nothing else", () =>
    Effect.gen(function* () {
      yield* create({ ...request, headers: { "x-mine": "1" } })
      const [sent] = yield* TestClaude.calls
      const call = only(yield* spansSoFar, "chat claude-sonnet-5-5")
      assert.deepStrictEqual(sent, {
        ...request,
        headers: { "x-mine": "1", traceparent: `00-${call.traceId}-${call.spanId}-01` }
      })
    }).pipe(Effect.provide(watched(TestClaude.layer("Hello."), { propagate: true })))
  )

  it.effect("is not sent if tracing is off", () =>
    Effect.gen(function* () {
      yield* create(request)
      assert.deepStrictEqual(yield* TestClaude.calls, [request])
    }).pipe(Effect.withTracerEnabled(false), Effect.provide(watched(TestClaude.layer("Hello."), { propagate: true })))
  )

  it.effect("is not sent by default", () =>
    Effect.gen(function* () {
      yield* create(request)
      assert.deepStrictEqual(yield* TestClaude.calls, [request])
    }).pipe(Effect.provide(watched(TestClaude.layer("Hello."))))
  )
})

describe("the spans of a call", () => {
  it.effect("are its attempts, their streams, and the waits between them", () =>
    Effect.gen(function* () {
      const steady = Retry.policy(Schedule.spaced("3 seconds"))
      const api = claudeOf(slowly(), { failsFirst: true })
      const layer = yield* Layer.build(
        api.pipe(Concurrency.policy(1), steady, Telemetry.policy(), Layer.provideMerge(Telemetry.layerSpans))
      )
      const calls = Effect.all([Stream.runDrain(stream), Effect.andThen(Effect.yieldNow, create(request))], {
        concurrency: 2
      })
      const running = yield* calls.pipe(Effect.provide(layer), Effect.forkChild)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(running)
      const spans = yield* Effect.provide(spansSoFar, layer)
      assert.include(Telemetry.waterfall(spans), "failed: Overloaded")
      assert.deepStrictEqual(timeline(spans), [
        "chat claude-sonnet-5-5: 0 to 11",
        "  attempt 1: 0 to 1",
        "  wait to repeat: 1 to 4",
        "  attempt 2: 4 to 11",
        "    stream: 6 to 11",
        "chat claude-sonnet-5-5: 0 to 2",
        "  wait for concurrency: 0 to 1",
        "  attempt 1: 1 to 2"
      ])
    })
  )

  it.effect("end when the call is interrupted, during a wait too", () =>
    Effect.gen(function* () {
      const steady = Retry.policy(Schedule.spaced("1 hour"))
      const layer = yield* Layer.build(
        claudeOf(slowly(), { failsFirst: true }).pipe(
          steady,
          Telemetry.policy(),
          Layer.provideMerge(Telemetry.layerSpans)
        )
      )
      const running = yield* Stream.runDrain(stream).pipe(Effect.provide(layer), Effect.forkChild)
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.interrupt(running)
      assert.deepStrictEqual(timeline(yield* Effect.provide(spansSoFar, layer)), [
        "chat claude-sonnet-5-5: 0 to 5",
        "  attempt 1: 0 to 1",
        "  wait to repeat: 1 to 5"
      ])
    })
  )
})

describe("an answer from a cache", () => {
  it.live("has its origin, no attempts, no tokens and no cost, and does not count as an inference", () =>
    Effect.gen(function* () {
      const cached: Reply = { ...reply, origin: "cache" }
      const cache = Layer.mock(Claude)({ create: () => Effect.succeed(cached) })
      const { metrics, spans } = yield* exported(cache, create(request))
      const values = valuesOf(only(spans, "chat claude-sonnet-5-5"))
      assert.deepStrictEqual(
        [values["effect_claude.origin"], values["effect_claude.attempts"], values["effect_claude.cost.usd"]],
        ["cache", 0, 0]
      )
      assert.deepStrictEqual(
        Object.keys(values).filter((name) => name.startsWith("gen_ai.usage")),
        []
      )
      assert.deepStrictEqual(metrics, [])
    })
  )
})

describe("@effect/opentelemetry", () => {
  it.effect("receives the spans and the metrics through its NodeSdk", () =>
    Effect.gen(function* () {
      const exporter = new InMemorySpanExporter()
      const metricReader = new PeriodicExportingMetricReader({
        exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
      })
      const sdk = NodeSdk.layer(() => ({
        resource: { serviceName: "test" },
        spanProcessor: new SimpleSpanProcessor(exporter),
        metricReader
      }))
      const layer = TestClaude.layer([invalid]).pipe(
        Telemetry.policy(),
        Layer.provideMerge(sdk),
        Layer.provideMerge(Layer.succeed(Metric.MetricRegistry, new Map()))
      )
      const { resourceMetrics } = yield* create(request).pipe(
        Effect.exit,
        Effect.andThen(Effect.promise(() => metricReader.collect())),
        Effect.provide(yield* Layer.build(layer))
      )

      const spans = exporter.getFinishedSpans()
      assert.deepStrictEqual(
        spans.map(({ kind, name, status }) => [name, kind, status.code]),
        [
          ["attempt 1", SpanKind.INTERNAL, SpanStatusCode.ERROR],
          ["chat claude-sonnet-5-5", SpanKind.CLIENT, SpanStatusCode.ERROR]
        ]
      )
      assert.strictEqual(spans[0]?.parentSpanContext?.spanId, spans[1]?.spanContext().spanId)
      assert.strictEqual(spans[1]?.attributes["error.type"], "InvalidRequest")
      // The bridge turns lists into texts.
      assert.include(String(spans[1]?.attributes["gen_ai.response.finish_reasons"]), "error")

      const metrics = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
      const ours = metrics.filter(({ descriptor }) => descriptor.name.startsWith("gen_ai."))
      assert.isNotEmpty(ours)
      for (const { descriptor } of ours) {
        assert.strictEqual(registry.metrics[descriptor.name]?.unit, descriptor.unit, descriptor.name)
      }
      const duration = ours.find(({ descriptor }) => descriptor.name === "gen_ai.client.inference.duration")
      assert.strictEqual(duration?.dataPoints[0]?.attributes["error.type"], "InvalidRequest")
    }).pipe(Effect.scoped)
  )
})

// Builders

const busy = new Overloaded({ detail: "later" })
const invalid = new InvalidRequest({ detail: "no" })
const answer = message({
  content: ["Hello."],
  usage: {
    cache_read_input_tokens: 100,
    cache_creation_input_tokens: 50,
    output_tokens_details: { thinking_tokens: 7 }
  }
})
const costOfAnswer = BigDecimal.toNumberUnsafe(
  // The price of the day on which the test runs.
  Cost.of({ model: answer.model, usage: billed(answer), at: new Date() }) ?? BigDecimal.fromBigInt(0n)
)
const reply: Reply = { message: answer, requestId: "req_1", origin: "api", rateLimits: undefined }

const detailed: Request = {
  ...request,
  output_config: { effort: "low", format: { type: "json_schema", schema: { type: "object" } } }
}
const secretive: Request = {
  ...request,
  system: "be brief",
  messages: [{ role: "user", content: `My kettle, and my key sk-ant-${"a".repeat(40)}` }]
}

const create = (request: Request) => Claude.use((claude) => claude.create(request))
const stream = Stream.unwrap(Claude.useSync((claude) => claude.stream(request)))

const start: StreamEvent = { type: "stream_start", requestId: "req_1", origin: "api", rateLimits: undefined }
const halfStream: ReadonlyArray<StreamEvent> = [start, ...firstHalf(message("Hello, you there."))]

const somewhere = <A, E, R>(call: Effect.Effect<A, E, R>) =>
  call.pipe(
    CallSite.within("ask"),
    CallSite.within("classify"),
    CallSite.row("letters", "17"),
    CallSite.label("tenant", "acme")
  )

/** A Claude that answers a call in a second and streams these events; the first stream may fail after a second. */
const claudeOf = (events: Stream.Stream<StreamEvent, ClaudeError>, { failsFirst = false } = {}) => {
  let failing = failsFirst
  const failure = Stream.fromEffect(
    Effect.andThen(Effect.sleep("1 seconds"), Effect.fail(new ClaudeError({ reason: busy })))
  )
  const stream = Stream.suspend(() => {
    const failed = failing
    failing = false
    return failed ? failure : events
  })
  return Layer.mock(Claude)({
    create: (request) => Observe.create(request, Effect.as(Effect.sleep("1 seconds"), reply)),
    stream: (request) => Observe.stream(request, stream)
  })
}

/** The first content comes after two seconds, the end after five more. */
const slowly = () =>
  Stream.fromIterable(halfStream).pipe(
    Stream.mapEffect((event) =>
      Effect.as(event.type === "content_block_start" ? Effect.sleep("2 seconds") : Effect.void, event)
    ),
    Stream.concat(Stream.fromEffect(Effect.as(Effect.sleep("5 seconds"), { type: "message_stop" as const })))
  )

const watched = <A, E, R>(claude: Layer.Layer<A | Claude, E, R>, options?: Telemetry.Options) =>
  claude.pipe(Telemetry.policy(options), Layer.provideMerge(Telemetry.layerSpans))

/** The spans and metrics that a call sends to a collector. */
const exported = <A, B, E, R>(
  claude: Layer.Layer<B | Claude, E, R>,
  call: Effect.Effect<A, ClaudeError, Claude>,
  options?: Telemetry.Options
) =>
  Effect.gen(function* () {
    const endpoint = yield* collector
    const address = AnthropicClient.layer({
      apiKey: Redacted.make("sk-ant-unused"),
      baseURL: "https://claude.example:8443"
    })
    const layer = claude.pipe(
      Layer.provideMerge(address),
      Retry.policy(Schedule.recurs(1)),
      Telemetry.policy(options),
      Layer.provideMerge(Otlp.layerJson({ baseUrl: endpoint.url, resource: { serviceName: "test" } })),
      Layer.provide(FetchHttpClient.layer),
      Layer.provideMerge(Layer.succeed(Metric.MetricRegistry, new Map()))
    )
    yield* Effect.andThen(
      call,
      OtlpExporter.Flusher.use(({ flush }) => flush)
    ).pipe(Effect.provide(layer))
    return { spans: endpoint.spans(), metrics: endpoint.metrics(), everything: endpoint.everything() }
  }).pipe(Effect.scoped)

type Described = Parameters<typeof attributesOf>[0]

/** Fails if a name, a type or a listed value is neither in the registry nor ours. */
const conforms = (described: Described) => {
  for (const [name, { type, value }] of Object.entries(attributesOf(described))) {
    // Effect's exporter also sends the unit of a metric and the interruption of a span as attributes.
    if (name.startsWith("effect_claude.") || name === "unit" || name === "effect.fiber.interrupted") continue
    assert.isTrue(registry.attributes.has(name), `${name} is in the registry`)
    assert.isTrue(registry.types[name]?.includes(type), `${name} may be a ${type}`)
    const listed = registry.values[name]
    if (listed !== undefined) assert.isTrue(listed.includes(String(value)), `${name} may be ${value}`)
  }
}

const valuesOf = (described: Described) =>
  Object.fromEntries(Object.entries(attributesOf(described)).map(([name, { value }]) => [name, value]))

const parsed = (span: Described, name: string) => JSON.parse(String(valuesOf(span)[name]))

const only = <S extends { readonly name: string }>(all: ReadonlyArray<S>, name: string): S => {
  const [one, ...more] = all.filter((some) => some.name === name)
  assert.isDefined(one, `one ${name}`)
  assert.lengthOf(more, 0)
  return one
}

const spansSoFar = Effect.flatten(Telemetry.Spans)

/** The spans as lines, each below its parent, with their start and end in seconds. */
const timeline = (spans: ReadonlyArray<Tracer.Span>, parent?: string, depth = 0): ReadonlyArray<string> =>
  spans
    .filter((span) => (span.parent._tag === "Some" ? span.parent.value.spanId : undefined) === parent)
    .flatMap((span) => {
      const end = span.status._tag === "Ended" ? seconds(span.status.endTime) : "never"
      const line = `${"  ".repeat(depth)}${span.name}: ${seconds(span.status.startTime)} to ${end}`
      return [line, ...timeline(spans, span.spanId, depth + 1)]
    })

const seconds = (nanos: bigint) => Duration.toSeconds(Duration.nanos(nanos))
