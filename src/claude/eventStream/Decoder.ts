/**
 * Turns the bytes of one streamed answer into arrays of events, and keeps the usage so far for an answer that fails.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Duration from "effect/Duration"
import { createParser } from "eventsource-parser"
import {
  ClaudeError,
  ContextWindowExceeded,
  MalformedResponse,
  OutputTruncated,
  Refused,
  StreamInterrupted,
  TimedOut
} from "../ClaudeError.ts"
import { fromErrorBody, fromUnknown, malformed } from "../Failure.ts"
import type { Message } from "../Reply.ts"
import * as SdkError from "../SdkError.ts"
import * as StreamEvent from "../StreamEvent.ts"
import * as StreamOrder from "../StreamOrder.ts"
import { fromMessage, type Usage } from "../Usage.ts"
import * as Delta from "./Delta.ts"
import * as WireEvent from "./WireEvent.ts"

/** Decodes one stream. `add` and `end` return the events that are complete now, up to the first failure. */
export interface Decoder {
  readonly add: (bytes: Uint8Array) => Array<StreamEvent.StreamEvent>
  readonly end: () => Array<StreamEvent.StreamEvent>
  /** The event `message_stop`, once it has come. `add` and `end` do not return it. */
  readonly stop: () => Anthropic.RawMessageStopEvent | undefined
  readonly failure: () => ClaudeError | undefined
  /** The error of a connection that broke. */
  readonly broken: (error: unknown) => ClaudeError
  /** The error of a stream that brought no byte for this time. */
  readonly stalled: (idle: Duration.Duration) => ClaudeError
}

/** A decoder for a response with these headers. */
export const make = (headers: Headers): Decoder => {
  const bytesToText = new TextDecoder()
  const order = StreamOrder.make()
  let events: Array<StreamEvent.StreamEvent> = []
  let started: Message["usage"] | undefined
  let usage: Usage | undefined
  let stop: Anthropic.RawMessageStopEvent | undefined
  let isOver = false
  /** Whether the text so far ends with the end of an event. */
  let isBetween = true
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
      const event = WireEvent.parse(data, name)
      if (event === undefined || event.type === "ping") return
      // After message_stop only a second answer counts.
      if (stop !== undefined && event.type !== "message_start") return
      if (event.type === "error") failure = fromErrorBody(event.body, headers, { usage })
      else if (event.type !== "unreadable") take(event)
      // The last event of a body that breaks off is cut: that is an interrupted stream, and no malformed one.
      else if (!isOver) failure = failWith(MalformedResponse, unreadable)
    }
  })

  const feed = (text: string) => {
    let position = 0
    while (position < text.length) {
      const delta = isBetween ? Delta.find(text, position) : undefined
      if (delta !== undefined) {
        if (failure === undefined && stop === undefined) take(delta.event)
        position = delta.end
        continue
      }
      const end = text.indexOf("\n\n", position)
      isBetween = end !== -1
      parser.feed(text.slice(position, isBetween ? end + 2 : undefined))
      position = isBetween ? end + 2 : text.length
    }
  }

  const taken = () => {
    const taken = events
    events = []
    return taken
  }
  return {
    stop: () => stop,
    failure: () => failure,
    // The SDK repeats in its message what it cannot transcode.
    broken: (error) =>
      SdkError.isSdk(error) || error instanceof SyntaxError
        ? failWith(MalformedResponse, unreadable)
        : failWith(StreamInterrupted, `the connection broke: ${fromUnknown(error).reason.detail}`),
    stalled: (idle) => {
      const detail = `no byte for ${Duration.format(idle)} in the middle of a stream`
      return new ClaudeError({ reason: new TimedOut({ detail, remedy: raiseIdle, ...facts() }) })
    },
    add: (bytes) => {
      feed(bytesToText.decode(bytes, { stream: true }))
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

const unreadable = "an event of the stream cannot be read"

/** The remedy for a stream that stalls. */
export const raiseIdle = "retry, or raise Claude.Timeouts.idle"

const cutReasons = { OutputTruncated, ContextWindowExceeded, Refused }

const requestIdOf = (headers: Headers) => {
  const requestId = headers.get("request-id")
  return requestId === null ? {} : { requestId }
}
