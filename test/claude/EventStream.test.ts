import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { ClaudeError } from "../../src/claude/ClaudeError.ts"
import * as EventStream from "../../src/claude/EventStream.ts"
import * as StreamEvent from "../../src/claude/StreamEvent.ts"
import { failure, firstHalf, message, sse, streamStart } from "../fixtures.ts"

describe("the bytes of a complete answer", () => {
  it.effect.prop("become its events, in pieces of any size", [Schema.NonEmptyArray(Cut)], ([cuts]) =>
    Effect.gen(function* () {
      const answer = message("Grüße, 世界 🌍!")
      const events = yield* Stream.runCollect(eventsOf(cut(sse(StreamEvent.fromMessage(answer)), cuts)))
      assert.deepStrictEqual(events, StreamEvent.fromMessage(answer))
    })
  )

  it.effect("become its events, even without the last empty line", () =>
    Effect.gen(function* () {
      const events = yield* Stream.runCollect(eventsOf([whole.trimEnd()]))
      assert.strictEqual(events.at(-1)?.type, "message_stop")
    })
  )

  it.effect("may contain pings and comments, which are dropped, and unknown events, which pass through", () =>
    Effect.gen(function* () {
      const tomorrow = { type: "mood_delta", mood: "sunny" }
      const bytes = [": hello\n\n", sse([{ type: "ping" }]), sse(firstHalf(message())), sse([tomorrow]), secondHalf]
      const events = yield* Stream.runCollect(eventsOf(bytes))
      assert.deepStrictEqual(
        events.map((event): string => event.type).filter((type) => !type.startsWith("content_block")),
        ["message_start", "mood_delta", "message_delta", "message_stop"]
      )
    })
  )

  it.effect("may contain pings that only the name of the event identifies", () =>
    Effect.gen(function* () {
      const events = yield* Stream.runCollect(eventsOf([half, "event: ping\ndata: {}\n\n", secondHalf]))
      assert.deepStrictEqual(events, StreamEvent.fromMessage(message()))
    })
  )

  it.effect.each([
    "data: {}",
    "event: heartbeat\ndata: {}",
    `event: keepalive\ndata: {"ts":1790000000}`,
    "event: heartbeat\ndata: alive",
    "event: heartbeat",
    "event: cost\ndata: 0.0012",
    "event: message\ndata: null",
    `data: "text"`,
    "data: [1]",
    "data:",
    "data: [DONE]",
    "event: content_block_delta\ndata:",
    "event: ping\ndata: 1790000000",
    `data: {"error":null}`,
    ": comment",
    "retry: 3000",
    "id: 7"
  ])("may contain the heartbeat %j anywhere, which is ignored", (beat) =>
    Effect.gen(function* () {
      const frames = sse(StreamEvent.fromMessage(message())).split(/(?<=\n\n)/)
      const events = yield* Stream.runCollect(eventsOf(frames.flatMap((frame) => [`${beat}\n\n`, frame])))
      assert.deepStrictEqual(events, StreamEvent.fromMessage(message()))
    })
  )

  it.effect("may have the type of an event only in its name", () =>
    Effect.gen(function* () {
      const untyped = StreamEvent.fromMessage(message()).map(({ type, ...data }) => [type, JSON.stringify(data)])
      const events = yield* Stream.runCollect(
        eventsOf(untyped.map(([type, data]) => `event: ${type}\ndata: ${data}\n\n`))
      )
      assert.sameDeepMembers([...events], StreamEvent.fromMessage(message()))
    })
  )

  it.effect("may come as one JSON message from a server that does not stream", () =>
    Effect.gen(function* () {
      const events = yield* Stream.runCollect(eventsFrom(Response.json(message())))
      assert.deepStrictEqual(events, StreamEvent.fromMessage(message()))
    })
  )

  it.effect("end with message_stop: later events are read, which frees the connection, and dropped", () =>
    Effect.gen(function* () {
      const wire = open()
      wire.push(whole + sse([{ type: "late" }]))
      const reading = yield* Effect.forkChild(Stream.runCollect(wire.events))
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual((yield* Fiber.join(reading)).at(-1)?.type, "message_stop")
      assert.isTrue(wire.cancelled())
    })
  )
})

describe("the rest of a body after message_stop", () => {
  it.effect("is read to its end, so that the connection can be used again", () =>
    Effect.gen(function* () {
      const wire = open()
      wire.push(whole)
      const reading = yield* Effect.forkChild(Stream.runCollect(wire.events))
      yield* Effect.yieldNow
      wire.push(": a late comment\n\n")
      wire.close()
      assert.deepStrictEqual(yield* Fiber.join(reading), StreamEvent.fromMessage(message()))
      assert.isFalse(wire.cancelled())
    })
  )

  it.effect("fails the stream if it is a second answer, in the same piece or in a later one", () =>
    Effect.gen(function* () {
      for (const pieces of [[whole + whole], [whole, ": comment\n\n", whole]]) {
        const { reason } = yield* failed(pieces)
        assert.strictEqual(reason._tag, "StreamInterrupted")
        assert.include(reason.detail, "a second answer began after the end of the first")
        assert.deepInclude(reason.usage, { input: 10, output: 20 })
      }
    })
  )

  it.effect("has no effect if it breaks or contains an error", () =>
    Effect.gen(function* () {
      const events = yield* Stream.runCollect(eventsOf([whole, sse([failure("api_error")]), "event: message_stop\n"]))
      assert.deepStrictEqual(events, StreamEvent.fromMessage(message()))
    })
  )
})

describe("a stream without message_stop", () => {
  it.effect("fails with StreamInterrupted and the usage so far", () =>
    Effect.gen(function* () {
      const { reason } = yield* failed([half])
      assert.strictEqual(reason._tag, "StreamInterrupted")
      assert.strictEqual(reason.requestId, "req_1")
      assert.deepInclude(reason.usage, { input: 10, output: 1 })
    })
  )

  it.effect("reports the usage in message_delta, on top of message_start", () =>
    Effect.gen(function* () {
      const { reason } = yield* failed([whole.slice(0, whole.indexOf("event: message_stop"))])
      assert.deepInclude(reason.usage, { input: 10, output: 20, serviceTier: "standard" })
    })
  )

  it.effect("fails with StreamInterrupted, not MalformedResponse, when it ends in the middle of an event", () =>
    Effect.gen(function* () {
      const { reason } = yield* failed([whole.slice(0, half.length + 40)])
      assert.strictEqual(reason._tag, "StreamInterrupted")
      assert.isDefined(reason.usage)
    })
  )

  it.effect("emits the events before the break", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      yield* eventsOf([half]).pipe(
        Stream.runForEach(({ type }) => Effect.sync(() => seen.push(type))),
        Effect.flip
      )
      assert.deepStrictEqual(seen, ["message_start", "content_block_start", "content_block_delta"])
    })
  )

  it.effect.each([
    { type: "overloaded_error", reason: "Overloaded" },
    { type: "rate_limit_error", reason: "RateLimited" },
    { type: "api_error", reason: "ServerFailed" },
    { type: "invalid_request_error", reason: "InvalidRequest" },
    { type: "something_new", reason: "ServerFailed" }
  ])("has the reason $reason after an error event with $type", ({ type, reason }) =>
    Effect.gen(function* () {
      const error = yield* failed([half, sse([failure(type)]), secondHalf])
      assert.strictEqual(error.reason._tag, reason)
      assert.strictEqual(error.reason.requestId, "req_1")
      assert.deepInclude(error.reason.usage, { input: 10 })
    })
  )

  it.effect.each([
    { name: "no message", error: { type: "overloaded_error" } },
    { name: "a message that is not text", error: { type: "overloaded_error", message: { planted: 1 } } },
    { name: "other details", error: { type: "overloaded_error", message: "", details: { error_code: null } } }
  ])("has the reason of an error event with $name", ({ error }) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* failed([half, sse([{ type: "error", error }])])).reason._tag, "Overloaded")
    })
  )

  it.effect.each<readonly [string, string, string]>([
    ["plain text", "event: error\ndata: upstream connect error", "upstream connect error"],
    ["no name and no type", `data: {"error":{"message":"upstream closed","type":"stream_error"}}`, "upstream closed"],
    ["a text as its error", `event: error\ndata: {"type":"error","error":"quota exhausted"}`, "quota exhausted"]
  ])("reports the text of an error event with %s", ([, event, detail]) =>
    Effect.gen(function* () {
      const { reason } = yield* failed([half, `${event}\n\n`])
      assert.deepInclude(reason, { _tag: "ServerFailed", detail })
      assert.deepInclude(reason.usage, { input: 10 })
    })
  )

  it.effect("has the reason of an error that only the name of its event identifies", () =>
    Effect.gen(function* () {
      const { error } = failure("overloaded_error")
      const { reason } = yield* failed([half, `event: error\ndata: ${JSON.stringify({ error })}\n\n`, secondHalf])
      assert.strictEqual(reason._tag, "Overloaded")
    })
  )

  it.effect.each([
    { input_tokens: -1 },
    { input_tokens: "1" },
    { input_tokens: 1.5 },
    { iterations: {} },
    { iterations: [null] },
    { server_tool_use: { web_search_requests: "1" } },
    { service_tier: 1 }
  ])("fails with its reason, never with a defect, after the odd usage %j", (usage) =>
    Effect.gen(function* () {
      const [start] = firstHalf(message())
      const odd = start?.type === "message_start" ? { ...start, message: { ...start.message, usage } } : assert.fail()
      assert.strictEqual((yield* failed([sse([odd])])).reason._tag, "StreamInterrupted")
    })
  )

  it.effect.each([
    "event: content_block_delta\ndata: not JSON",
    "event: content_block_delta\ndata: {}",
    "event: content_block_delta\ndata: null",
    `event: message_delta\ndata: {"usage":{}}`,
    `data: {"type":"content_block_delta","index":0,"del`,
    `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":{"a":1}}}`,
    `data: {"type":"message_start"}`,
    `data: {"type":"message_start","message":{"type":"message","content":[]}}`,
    `data: {"type":"content_block_start","index":1}`,
    `data: {"type":"content_block_delta","index":0}`,
    `data: {"type":"message_delta","delta":{}}`
  ])("fails with MalformedResponse, without the text of the event, after %j", (event) =>
    Effect.gen(function* () {
      const { reason } = yield* failed([half, `${event}\n\n`, secondHalf])
      assert.strictEqual(reason._tag, "MalformedResponse")
      assert.strictEqual(reason.detail, "an event of the stream cannot be read")
    })
  )

  it.effect("has the reason of an error in a JSON body with status 200", () =>
    Effect.gen(function* () {
      const response = Response.json(failure("authentication_error", "invalid x-api-key"))
      const error = yield* Effect.flip(Stream.runDrain(eventsFrom(response)))
      assert.deepInclude(error.reason, { _tag: "Unauthenticated", detail: "invalid x-api-key", status: 200 })
      assert.isFalse(error.isRetryable)
    })
  )

  it.effect("fails with MalformedResponse if it is not an event stream", () =>
    Effect.gen(function* () {
      const response = new Response("<html>", { headers: { "content-type": "text/html", "request-id": "req_1" } })
      const { reason } = yield* Effect.flip(Effect.scoped(EventStream.fromResponse(streamStart, response, idle)))
      assert.strictEqual(reason._tag, "MalformedResponse")
      assert.match(reason.detail, /expected a stream of events, got no JSON \(text\/html\)/)
      assert.deepInclude(reason, { status: 200, requestId: "req_1" })
    })
  )
})

describe("the idle time-out", () => {
  it.effect("fails a stream that sends nothing for this time, with the usage so far, and closes its socket", () =>
    Effect.gen(function* () {
      const wire = open()
      wire.push(half)
      const reading = yield* wire.events.pipe(Stream.runDrain, Effect.flip, Effect.forkChild)
      yield* TestClock.adjust("59 seconds")
      assert.isUndefined(reading.pollUnsafe())
      yield* TestClock.adjust("1 seconds")
      const { reason } = yield* Fiber.join(reading)
      assert.strictEqual(reason._tag, "TimedOut")
      assert.match(reason.message, /no byte for 1m/)
      assert.deepInclude(reason.usage, { input: 10 })
      assert.isTrue(wire.cancelled())
    })
  )

  it.effect("restarts with every byte, even of a ping or half an event", () =>
    Effect.gen(function* () {
      const wire = open()
      const reading = yield* Effect.forkChild(Stream.runCollect(wire.events))
      for (const bytes of [
        half,
        sse([{ type: "ping" }]),
        ": a comment\n\n",
        secondHalf.slice(0, 5),
        secondHalf.slice(5)
      ]) {
        yield* TestClock.adjust("59 seconds")
        wire.push(bytes)
      }
      wire.close()
      assert.deepStrictEqual(yield* Fiber.join(reading), StreamEvent.fromMessage(message()))
    })
  )

  it.live("passes also where the clock of the machine is set back", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      let offset = 0
      const now = () => clock.currentTimeMillisUnsafe() + offset
      const adjustable: Clock.Clock = {
        currentTimeMillisUnsafe: now,
        currentTimeMillis: Effect.sync(now),
        currentTimeNanosUnsafe: () => BigInt(now()) * 1_000_000n,
        currentTimeNanos: Effect.sync(() => BigInt(now()) * 1_000_000n),
        monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
        monotonicTimeNanos: clock.monotonicTimeNanos,
        sleep: (duration) => clock.sleep(duration)
      }
      const { response } = open()
      const reading = yield* Stream.unwrap(EventStream.fromResponse(streamStart, response, Duration.millis(50))).pipe(
        Stream.runDrain,
        Effect.flip,
        Effect.provideService(Clock.Clock, adjustable),
        Effect.forkChild({ startImmediately: true })
      )
      offset = -3_600_000
      assert.strictEqual((yield* Fiber.join(reading)).reason._tag, "TimedOut")
    })
  )

  it.effect("does not count the time of the consumer", () =>
    Effect.gen(function* () {
      const reading = yield* eventsOf([half, secondHalf]).pipe(
        Stream.mapEffect((event) => Effect.as(Effect.sleep("5 minutes"), event)),
        Stream.runCollect,
        Effect.forkChild
      )
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* Fiber.join(reading)).at(-1)?.type, "message_stop")
    })
  )
})

describe("the socket", () => {
  it.effect("is read only as fast as the consumer asks", () =>
    Effect.gen(function* () {
      const { events, reads } = counted(1000)
      yield* Stream.runDrain(Stream.take(events, 2))
      assert.isAtMost(reads(), 5)
    })
  )

  it.effect("is closed if no consumer reads its events", () =>
    Effect.gen(function* () {
      const wire = open()
      yield* Effect.asVoid(Effect.scoped(EventStream.fromResponse(streamStart, wire.response, idle)))
      assert.isTrue(wire.cancelled())
    })
  )
})

// Builders

const Cut = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 200 }))
const idle = Duration.seconds(60)
const headers = { "content-type": "text/event-stream", "request-id": "req_1" }
const whole = sse(StreamEvent.fromMessage(message()))
const half = sse(firstHalf(message()))
const secondHalf = whole.slice(half.length)
const bytesOf = (text: string) => new TextEncoder().encode(text)

/** Text as bytes, in pieces of these lengths, used in turn. */
const cut = (text: string, cuts: ReadonlyArray<number>) => {
  const bytes = bytesOf(text)
  const pieces: Array<Uint8Array> = []
  let at = 0
  while (at < bytes.length) {
    const length = cuts[pieces.length % cuts.length] ?? 1
    pieces.push(bytes.slice(at, at + length))
    at += length
  }
  return pieces
}

/** The events after `stream_start`. */
const eventsFrom = (response: Response) =>
  Stream.drop(Stream.unwrap(EventStream.fromResponse(streamStart, response, idle)), 1)

/** The events of an answer in these pieces. */
const eventsOf = (pieces: ReadonlyArray<string | Uint8Array>): Stream.Stream<StreamEvent.StreamEvent, ClaudeError> =>
  Stream.suspend(() => {
    const wire = open()
    for (const piece of pieces) wire.push(piece)
    wire.close()
    return wire.events
  })

const failed = (pieces: ReadonlyArray<string>) => Effect.flip(Stream.runDrain(eventsOf(pieces)))

/** An answer that the test feeds. */
const open = () => {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  let cancelled = false
  const body = new ReadableStream<Uint8Array>({
    start: (begun) => void (controller = begun),
    cancel: () => void (cancelled = true)
  })
  const response = new Response(body, { headers })
  return {
    response,
    events: eventsFrom(response),
    push: (piece: string | Uint8Array) => controller?.enqueue(typeof piece === "string" ? bytesOf(piece) : piece),
    close: () => controller?.close(),
    cancelled: () => cancelled
  }
}

/** An answer of many pieces that counts the pieces read. */
const counted = (pieces: number) => {
  let reads = 0
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    controller.enqueue(bytesOf(reads === 0 ? half : sse([{ type: "more" }])))
    if (++reads === pieces) controller.close()
  }
  return { events: eventsFrom(new Response(new ReadableStream({ pull }), { headers })), reads: () => reads }
}
