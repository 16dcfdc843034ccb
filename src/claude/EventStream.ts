/**
 * Reads the server-sent events of one streamed answer, one array of events for each read of the socket. The socket is
 * read only when the consumer asks, and closed when the consumer stops.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import { AnthropicError } from "@anthropic-ai/sdk/error"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import { createParser } from "eventsource-parser"
import {
  ClaudeError,
  ContextWindowExceeded,
  MalformedResponse,
  OutputTruncated,
  Refused,
  StreamInterrupted,
  TimedOut
} from "./ClaudeError.ts"
import { fromErrorBody, fromUnexpected, fromUnknown, malformed } from "./Failure.ts"
import * as Json from "./Json.ts"
import { isMessage, type Message } from "./Reply.ts"
import * as StreamEvent from "./StreamEvent.ts"
import * as StreamOrder from "./StreamOrder.ts"
import { fromMessage, type Usage } from "./Usage.ts"

type Events = Stream.Stream<StreamEvent.StreamEvent, ClaudeError>

/**
 * The events of a response, without pings and heartbeats; its scope is the life of the socket. Fails with
 * - `StreamInterrupted` or `MalformedResponse` where the events are no complete answer (see `StreamOrder`),
 * - the reason of an `error` event, or of a JSON body that reports an error,
 * - `TimedOut` when `idle` passes without a byte while the consumer waits.
 *
 * The error carries the usage so far. `message_stop` comes once the server has ended the body, or after a second.
 */
export const fromResponse = Effect.fnUntraced(function* (response: Response, idle: Duration.Duration) {
  const { body, headers } = response
  if (body === null || /json|html/.test(headers.get("content-type") ?? "")) return yield* fromWhole(response, idle)
  const reader = body.getReader()
  // Nothing waits for the cancel: if the body is decompressed, it may wait for a read that never ends.
  yield* Effect.addFinalizer(() => Effect.sync(() => void reader.cancel().catch(() => {})))
  const decoder = eventDecoder(headers)
  const { read } = yield* watchedReader(reader, decoder, idle)
  let isDone = false

  const pull: Pull.Pull<Arr.NonEmptyReadonlyArray<StreamEvent.StreamEvent>, ClaudeError> = Effect.suspend(() => {
    const failure = decoder.failure()
    if (failure !== undefined) return Effect.fail(failure)
    if (isDone) return Cause.done()
    const stop = decoder.stop()
    if (stop !== undefined) {
      isDone = true
      return Effect.flatMap(readRest(reader, decoder), () => {
        const failure = decoder.failure()
        return failure === undefined ? Effect.succeed(Arr.of(stop)) : Effect.fail(failure)
      })
    }
    return Effect.flatMap(read, (bytes) => {
      const events = bytes === undefined ? decoder.end() : decoder.add(bytes)
      return Arr.isReadonlyArrayNonEmpty(events) ? Effect.succeed(events) : pull
    })
  })
  const events: Events = Stream.fromPull(Effect.succeed(pull))
  return events
})

/**
 * A server that does not stream answers with the whole message. A gateway reports errors in JSON, with status 200 too.
 * Of a page, the first bytes are read, for its title.
 */
const fromWhole = Effect.fnUntraced(function* (response: Response, idle: Duration.Duration) {
  const isPage = response.headers.get("content-type")?.includes("html") === true
  const detail = `no whole body within ${Duration.format(idle)}`
  const text = yield* Effect.tryPromise({
    try: () => (isPage ? firstBytes(response) : response.text()),
    catch: fromUnknown
  }).pipe(
    Effect.timeoutOrElse({
      duration: idle,
      orElse: () => Effect.fail(new ClaudeError({ reason: new TimedOut({ detail, remedy: raiseIdle }) }))
    })
  )
  const data = Json.parse(text)
  if (!isMessage(data)) return yield* fromUnexpected("a stream of events", text, response)
  const events: Events = Stream.fromIterable(StreamEvent.fromMessage(data))
  return events
})

const firstBytes = (response: Response): Promise<string> => {
  const reader = response.body?.getReader()
  const text = reader?.read().then(({ value }) => {
    void reader.cancel().catch(() => {})
    return new TextDecoder().decode(value)
  })
  return text ?? Promise.resolve("")
}

type Reader = ReadableStreamDefaultReader<Uint8Array>
type Decoder = ReturnType<typeof eventDecoder>

/** A read of the socket, `undefined` at its end. One fiber for the whole stream, not one for each read, finds a stalled read. */
const watchedReader = Effect.fnUntraced(function* (reader: Reader, decoder: Decoder, idle: Duration.Duration) {
  const clock = yield* Clock.Clock
  const limit = Duration.toMillis(idle)
  const now = () => clock.currentTimeMillisUnsafe()
  let waiting: { readonly since: number; readonly expire: () => void } | undefined

  const watch = Effect.suspend(() => Effect.sleep(waiting === undefined ? limit : waiting.since + limit - now())).pipe(
    Effect.tap(() => Effect.sync(() => waiting && now() - waiting.since >= limit && waiting.expire())),
    Effect.forever
  )
  if (Number.isFinite(limit)) yield* Effect.forkScoped(watch, { startImmediately: true })

  const read = Effect.callback<Uint8Array | undefined, ClaudeError>((resume) => {
    const settle = (result: Effect.Effect<Uint8Array | undefined, ClaudeError>) => {
      waiting = undefined
      resume(result)
    }
    waiting = { since: now(), expire: () => settle(Effect.fail(decoder.stalled(idle))) }
    reader.read().then(
      ({ value }) => settle(Effect.succeed(value)),
      (error) => settle(Effect.fail(decoder.broken(error)))
    )
  })
  return { read }
})

/**
 * Reads on after `message_stop`, for a second at most: the connection can be used again only after the end of its body,
 * and a second answer in the same body shows only here.
 */
const readRest = (reader: Reader, decoder: Decoder) =>
  Effect.tryPromise(() => reader.read()).pipe(
    Effect.map(({ value }) => {
      if (value !== undefined) decoder.add(value)
      return value === undefined || decoder.failure() !== undefined
    }),
    Effect.repeat({ until: (isRead) => isRead }),
    Effect.ignore,
    Effect.timeoutOption("1 second")
  )

const unreadable = "an event of the stream cannot be read"

/** Turns bytes into arrays of events, and keeps the usage so far for an answer that fails. */
const eventDecoder = (headers: Headers) => {
  const bytesToText = new TextDecoder()
  const order = StreamOrder.make()
  let events: Array<StreamEvent.StreamEvent> = []
  let started: Message["usage"] | undefined
  let usage: Usage | undefined
  let stop: Anthropic.RawMessageStopEvent | undefined
  let isOver = false
  let failure: ClaudeError | undefined

  const facts = () => ({ ...requestIdOf(headers), ...(usage && { usage }) })

  const failWith = (Reason: typeof StreamInterrupted | typeof MalformedResponse, detail: string) =>
    new ClaudeError({ reason: new Reason({ detail, ...facts() }) })

  const fromFault = ({ detail, isFinal, reason }: StreamOrder.Fault) => {
    switch (reason) {
      case "StreamInterrupted":
        return failWith(StreamInterrupted, detail)
      case "MalformedResponse":
        return malformed(detail, { ...facts(), ...(isFinal && { shouldRetry: false }) })
      default:
        // The consumer has had the text; to keep it here would take the memory of the whole answer.
        return new ClaudeError({ reason: new cutReasons[reason]({ detail, text: "", ...facts() }) })
    }
  }

  const take = (event: Anthropic.RawMessageStreamEvent) => {
    const verdict = order.check(event)
    if (event.type === "message_delta") usage = fromMessage({ ...started, ...StreamEvent.definedOnly(event.usage) })
    if (verdict === "hide") return
    if (verdict !== "show") {
      failure = fromFault(verdict)
      return
    }
    if (event.type === "message_start") usage = fromMessage((started = event.message.usage))
    if (event.type === "message_stop") stop = event
    else events.push(event)
  }

  const parser = createParser({
    onEvent: ({ data, event: name }) => {
      if (failure !== undefined || name === "ping") return
      const event = parse(data, name)
      if (event === undefined || event.type === "ping") return
      // After message_stop only a second answer counts.
      if (stop !== undefined && event.type !== "message_start") return
      if (event.type === "error") failure = fromErrorBody(event.body, headers, { usage })
      else if (event.type !== "unreadable") take(event)
      // The last event of a body that breaks off is cut: that is an interrupted stream, and no malformed one.
      else if (!isOver) failure = failWith(MalformedResponse, unreadable)
    }
  })
  const taken = () => {
    const taken = events
    events = []
    return taken
  }
  return {
    stop: () => stop,
    failure: () => failure,
    // The SDK repeats in its message what it cannot transcode.
    broken: (error: unknown) =>
      error instanceof AnthropicError || error instanceof SyntaxError
        ? failWith(MalformedResponse, unreadable)
        : failWith(StreamInterrupted, `the connection broke: ${fromUnknown(error).reason.detail}`),
    stalled: (idle: Duration.Duration) => {
      const detail = `no byte for ${Duration.format(idle)} in the middle of a stream`
      return new ClaudeError({ reason: new TimedOut({ detail, remedy: raiseIdle, ...facts() }) })
    },
    add: (bytes: Uint8Array) => {
      parser.feed(bytesToText.decode(bytes, { stream: true }))
      return taken()
    },
    end: () => {
      isOver = true
      parser.feed(`${bytesToText.decode()}\n\n`)
      if (stop === undefined) failure ??= failWith(StreamInterrupted, "the answer ended without message_stop")
      return taken()
    }
  }
}

const raiseIdle = "retry, or raise Claude.Timeouts.idle"

const cutReasons = { OutputTruncated, ContextWindowExceeded, Refused }

const requestIdOf = (headers: Headers) => {
  const requestId = headers.get("request-id")
  return requestId === null ? {} : { requestId }
}

/** An event as the wire has it. Events that the types do not know pass through under the SDK's type. */
type WireEvent = Anthropic.RawMessageStreamEvent | { readonly type: "ping" }

/** What the data of an event is; undefined for a heartbeat. */
type Parsed =
  | WireEvent
  | { readonly type: "error"; readonly body: unknown }
  | { readonly type: "unreadable" }
  | undefined

/**
 * Reads the data of an event. Like the SDK, it ignores events without a `type`, such as a gateway's heartbeats; it
 * takes the type from the event's name where the data has none. Data that cannot be read is a failure only where it
 * belonged to an event of the API.
 */
const parse = (data: string, name: string | undefined): Parsed => {
  const event = Json.parse(data)
  if (name === "error") return { type: "error", body: event ?? data }
  if (!Predicate.isObject(event)) {
    const isLost = apiEvents.has(name) ? data.trim() !== "" : event === undefined && data.trimStart().startsWith("{")
    return isLost ? { type: "unreadable" } : undefined
  }
  const type = Predicate.isString(event["type"]) ? event["type"] : apiEvents.has(name) ? name : undefined
  if (type === undefined) return event["error"] ? { type: "error", body: event } : undefined
  if (type === "error") return { type, body: event }
  const typed = event["type"] === type ? event : { ...event, type }
  return isWireEvent(typed) ? typed : { type: "unreadable" }
}

const apiEvents: ReadonlySet<string | undefined> = new Set([
  "message_start",
  "content_block_start",
  "content_block_delta",
  "content_block_stop",
  "message_delta",
  "message_stop"
])

/** Whether an event has the fields that are read here, in `StreamOrder` and in `StreamEvent`. */
const isWireEvent = (event: { readonly [field: string]: unknown }): event is WireEvent & typeof event => {
  switch (event["type"]) {
    case "message_start":
      return isMessage(event["message"])
    case "content_block_start":
      return isBlock(event["content_block"])
    case "content_block_delta":
      return isBlock(event["delta"])
    case "message_delta":
      return Predicate.isObject(event["delta"]) && Predicate.isObject(event["usage"])
    default:
      return true
  }
}

/** A block or a delta with its text, which may be null where a gateway has none. */
const isBlock = (block: unknown): boolean => {
  if (!Predicate.isObject(block) || !Predicate.isString(block["type"])) return false
  const text = block[textFields.get(block["type"]) ?? ""]
  return text === undefined || text === null || Predicate.isString(text)
}

const textFields: ReadonlyMap<string, string> = new Map([
  ["text", "text"],
  ["text_delta", "text"],
  ["thinking", "thinking"],
  ["thinking_delta", "thinking"],
  ["input_json_delta", "partial_json"]
])
