/**
 * Reads the server-sent events of one streamed answer, one array of events for each read of the socket. The socket is
 * read only when the consumer asks, and closed when the consumer goes away.
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
import { ClaudeError, MalformedResponse, StreamInterrupted, TimedOut } from "./ClaudeError.ts"
import { fromErrorEvent, fromUnknown, malformed } from "./Failure.ts"
import { isMessage, type Message } from "./Reply.ts"
import { definedOnly, type StreamEvent } from "./StreamEvent.ts"
import { fromMessage, type Usage } from "./Usage.ts"

/**
 * The events of a response, pings left out; its scope is the life of the socket. Fails with `StreamInterrupted` when
 * it ends without `message_stop`, with the reason of an `error` event, and with `TimedOut` when `idle` passes without a
 * byte while the consumer waits. What the answer had cost by then is in the error. A server that leaves its answer open
 * after `message_stop` delays the end of the stream by a second.
 */
export const fromResponse = Effect.fnUntraced(function* (response: Response, idle: Duration.Duration) {
  const { body, headers, status } = response
  const type = headers.get("content-type")
  if (body === null || (type !== null && !type.includes("text/event-stream"))) {
    return yield* malformed(`expected a stream of events, got ${type ?? "no body"}`, {
      status,
      ...requestIdOf(headers)
    })
  }
  const reader = body.getReader()
  const decoder = eventDecoder(headers)
  yield* Effect.addFinalizer(() => release(reader, decoder.ended()))
  const { read } = yield* watchedReader(reader, decoder, idle)

  const pull: Pull.Pull<Arr.NonEmptyReadonlyArray<StreamEvent>, ClaudeError> = Effect.suspend(() => {
    const failure = decoder.failure()
    if (failure !== undefined) return Effect.fail(failure)
    if (decoder.ended()) return Cause.done()
    return Effect.flatMap(read, (bytes) => {
      const events = bytes === undefined ? decoder.end() : decoder.add(bytes)
      return Arr.isReadonlyArrayNonEmpty(events) ? Effect.succeed(events) : pull
    })
  })
  return Stream.fromPull(Effect.succeed(pull))
})

type Reader = ReadableStreamDefaultReader<Uint8Array>
type Decoder = ReturnType<typeof eventDecoder>

/** A read of the socket, `undefined` at its end. One fiber a stream, not one a read, looks out for those that stall. */
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
 * After `message_stop` the rest is read, for a second at most, so that the connection can be used again. Otherwise the
 * socket is closed, and nobody waits for that: what transcodes a body may settle a cancel only after a read that nothing
 * answers.
 */
const release = (reader: Reader, ended: boolean) => {
  const cancel = Effect.sync(() => void reader.cancel().catch(() => {}))
  const rest = Effect.ignore(Effect.tryPromise(() => reader.read()))
  return ended ? Effect.andThen(Effect.timeoutOption(rest, "1 second"), cancel) : cancel
}

const unreadable = "an event of the stream cannot be read"

/** Turns bytes into arrays of events, and knows what the answer has cost when it comes to nothing. */
const eventDecoder = (headers: Headers) => {
  const text = new TextDecoder()
  let events: Array<StreamEvent> = []
  let started: Message["usage"] | undefined
  let usage: Usage | undefined
  let ended = false
  let over = false
  let failure: ClaudeError | undefined

  const because = (Reason: typeof StreamInterrupted | typeof TimedOut | typeof MalformedResponse, detail: string) =>
    new ClaudeError({ reason: new Reason({ detail, ...requestIdOf(headers), ...(usage && { usage }) }) })

  const parser = createParser({
    onEvent: ({ data, event: name }) => {
      if (failure !== undefined || ended || name === "ping") return
      const event = parse(data, name)
      if (event === undefined) {
        // What the end cut off is no event; anywhere else, what cannot be read is not the API's.
        if (!over) failure = because(MalformedResponse, unreadable)
      } else if (event.type === "error") failure = fromErrorEvent(event, headers, usage)
      else if (event.type !== "ping") {
        if (event.type === "message_start") usage = fromMessage((started = event.message.usage))
        if (event.type === "message_delta") usage = fromMessage({ ...started, ...definedOnly(event.usage) })
        if (event.type === "message_stop") ended = true
        events.push(event)
      }
    }
  })
  const take = () => {
    const taken = events
    events = []
    return taken
  }
  return {
    ended: () => ended,
    failure: () => failure,
    // What the SDK cannot transcode, it repeats in its message.
    broken: (error: unknown) =>
      error instanceof AnthropicError || error instanceof SyntaxError
        ? because(MalformedResponse, unreadable)
        : because(StreamInterrupted, `the connection broke: ${fromUnknown(error).reason.detail}`),
    stalled: (idle: Duration.Duration) =>
      because(TimedOut, `no byte for ${Duration.format(idle)} in the middle of a stream`),
    add: (bytes: Uint8Array) => {
      parser.feed(text.decode(bytes, { stream: true }))
      return take()
    },
    end: () => {
      over = true
      parser.feed(`${text.decode()}\n\n`)
      if (!ended) failure ??= because(StreamInterrupted, "the answer ended without message_stop")
      return take()
    }
  }
}

const requestIdOf = (headers: Headers) => {
  const requestId = headers.get("request-id")
  return requestId === null ? {} : { requestId }
}

/** An event as the wire has it. Events that the types do not know pass through under the SDK's type. */
type WireEvent = Anthropic.RawMessageStreamEvent | Ping | Failed
type Ping = { readonly type: "ping" }
type Failed = { readonly type: "error" }

/** Of an error, the name that was sent with it is enough: gateways leave its type out. */
const parse = (data: string, name: string | undefined): WireEvent | undefined => {
  try {
    // The hot path of streams: one JSON.parse an event, no Schema. Events that the types do not know pass through.
    const event: unknown = JSON.parse(data)
    if (name === "error" && Predicate.isObject(event)) return { ...event, type: "error" }
    return isWireEvent(event) ? event : undefined
  } catch {
    return undefined
  }
}

/** An event has a type, and what is read of it here and in `StreamEvent`. */
const isWireEvent = (event: unknown): event is WireEvent => {
  if (!Predicate.isObject(event)) return false
  switch (event["type"]) {
    case "message_start":
      return isMessage(event["message"])
    case "content_block_start":
      return Predicate.isObject(event["content_block"])
    case "content_block_delta":
      return Predicate.isObject(event["delta"])
    case "message_delta":
      return Predicate.isObject(event["delta"]) && Predicate.isObject(event["usage"])
    default:
      return Predicate.isString(event["type"])
  }
}
