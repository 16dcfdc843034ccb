/**
 * Carries the faults out. Some answer in place of the model, and nothing is billed; the others change the answer on its
 * way. A stream breaks between events, always before its last one. A non-streaming answer breaks in the middle.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import * as ApiError from "../wire/ApiError.ts"
import * as Exchange from "../wire/Exchange.ts"
import * as Faults from "./Faults.ts"
import type { Options } from "../Options.ts"

type Answering<E> = (request: Exchange.Request) => Effect.Effect<Exchange.Response, E>

/** Puts the faults around a handler. */
export const around = <E>(
  { faults, seed = 0 }: Options,
  answer: Answering<E>
): Answering<E | ApiError.ApiError | Exchange.Dropped> => {
  if (faults === undefined) return answer
  const draw = Faults.make(faults, seed)
  return (request) =>
    Effect.suspend(() => {
      const fault = draw(request)
      return fault === undefined ? answer(request) : disturb(fault, answer(request))
    })
}

const disturb = <E>(
  { after, kind }: Required<Faults.Fault>,
  answer: Effect.Effect<Exchange.Response, E>
): Effect.Effect<Exchange.Response, E | ApiError.ApiError | Exchange.Dropped> => {
  if (typeof kind === "number") return Effect.fail(refusal(kind))
  switch (kind) {
    case "refused":
    case "reset":
      return Effect.fail(new Exchange.Dropped({ how: kind }))
    case "html":
      return Effect.succeed(page)
    case "late":
      return Effect.tap(answer, Effect.sleep("30 seconds"))
    case "lost":
      return Effect.flatMap(answer, carriedOut)
    case "expired":
    case "missing":
      return answer
    default:
      return Effect.map(answer, changes[kind](after))
  }
}

/** The answer is complete, as for a client that would have read it, and never arrives. */
const carriedOut = ({ body }: Exchange.Response) =>
  (typeof body === "string" ? Effect.void : Stream.runDrain(body)).pipe(
    Effect.andThen(Effect.fail(new Exchange.Dropped({ how: "reset" })))
  )

/** The error with this status. */
export const refusal = (status: keyof typeof messages): ApiError.ApiError => ApiError.make(status, messages[status])

const messages = {
  401: "invalid x-api-key",
  404: "Not found",
  408: "Request timed out",
  409: "The request conflicts with another one",
  429: "This request would exceed your organization's rate limit",
  500: "Internal server error",
  503: "Service unavailable",
  504: "The request took too long",
  529: "Overloaded"
} as const

const page: Exchange.Response = {
  status: 200,
  headers: { "content-type": "text/html" },
  body: "<html><body>The service is down for maintenance.</body></html>"
}

type Body = Stream.Stream<string | Uint8Array, Exchange.Dropped>
type Change = (after: number) => (response: Exchange.Response) => Exchange.Response

/** Changes the pieces of a body: the events of a stream, or the halves of an answer in one piece. */
const pieces =
  (change: (pieces: Stream.Stream<string, Exchange.Dropped>, after: number) => Body): Change =>
  (after) =>
  (response) => {
    const cutUp = isEvents(response) ? events : halves
    const body = typeof response.body === "string" ? Stream.make(response.body) : response.body
    const text = Stream.flatMap(body, (chunk) => Stream.fromIterable(cutUp(Exchange.text(chunk))))
    return { ...response, body: change(text, isEvents(response) ? after : 1) }
  }

/** The same for streams only. */
const streamed =
  (change: Change): Change =>
  (after) =>
  (response) =>
    isEvents(response) ? change(after)(response) : response

const isEvents = ({ headers }: Exchange.Response) => headers["content-type"]?.startsWith("text/event-stream") ?? false

const events = (text: string) => text.split(/(?<=\n\n)/)
const halves = (text: string) => {
  const half = Math.floor(text.length / 2)
  const middle = (text.codePointAt(half - 1) ?? 0) > 0xffff ? half + 1 : half
  return [text.slice(0, middle), text.slice(middle)]
}
const isLast = (piece: string) => piece.startsWith("event: message_stop")

/** Sends the first pieces, never the last event, and then `rest`. */
const breakOff = (rest: Body) =>
  pieces((all, after) =>
    all.pipe(
      Stream.take(after),
      Stream.takeWhile((piece) => !isLast(piece)),
      Stream.concat(rest)
    )
  )

/** Changes the piece after the first `after` pieces, or the last event of a shorter stream. */
const spoil = (change: (piece: string) => string) =>
  pieces((all, after) =>
    Stream.map(all, (piece, at) => (at === after || (at < after && isLast(piece)) ? change(piece) : piece))
  )

/** Changes the file with the results of a batch. */
const inResults =
  (change: (response: Exchange.Response) => Exchange.Response): Change =>
  () =>
  (response) =>
    response.headers["content-type"] === "application/x-jsonl" ? change(response) : response

const evenLines = (chunk: string | Uint8Array) =>
  Exchange.text(chunk)
    .split(/(?<=\n)/)
    .filter((_, at) => at % 2 === 0)
    .join("")

/** Inserts another piece before every piece. */
const precede = (other: (piece: string) => string) =>
  pieces((all) => Stream.flatMap(all, (piece) => Stream.make(other(piece), piece)))

/** Sends the same bytes in other chunks. */
const chunked =
  (cutUp: (bytes: Uint8Array) => Iterable<Uint8Array>) => (all: Stream.Stream<string, Exchange.Dropped>) =>
    all.pipe(
      Stream.flatMap((piece) => Stream.fromIterable(cutUp(new TextEncoder().encode(piece)))),
      Stream.rechunk(1)
    )

const singly = (bytes: Uint8Array) => Array.from(bytes, (byte) => Uint8Array.of(byte))

/** Cuts before every byte that continues a character. */
const withinCharacters = (bytes: Uint8Array) => {
  const cuts = [0, ...Array.from(bytes.keys()).filter((at) => ((bytes[at] ?? 0) & 0xc0) === 0x80), bytes.length]
  return cuts.slice(1).map((end, at) => bytes.subarray(cuts[at], end))
}

const sse = (type: string, fields: object = {}) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`

const changes = {
  // A reset overtakes the bytes before it, so it waits until they have arrived.
  "reset-in-body": breakOff(
    Stream.fromEffect(Effect.delay(Effect.fail(new Exchange.Dropped({ how: "reset" })), "50 millis"))
  ),
  stall: breakOff(Stream.never),
  cut: breakOff(Stream.empty),
  "malformed-json": spoil((piece) => piece.replace(/\}(\s*)$/, "$1")),
  drip: pieces((all) => Stream.tap(chunked(singly)(all), () => Effect.sleep("1 millis"))),
  "split-characters": pieces(chunked(withinCharacters)),
  "error-event": streamed(
    breakOff(Stream.make(sse("error", { error: { type: "overloaded_error", message: "Overloaded" } })))
  ),
  "malformed-sse": streamed(spoil((piece) => piece.replace("data: {", "data: {\n"))),
  "duplicate-events": streamed(precede((event) => event)),
  "unknown-events": streamed(precede(() => sse("novelty", { novelty: 1 }))),
  "half-the-lines": inResults((response) => ({
    ...response,
    body: typeof response.body === "string" ? evenLines(response.body) : Stream.map(response.body, evenLines)
  })),
  "no-content-type": inResults((response) => ({
    ...response,
    headers: Struct.omit(response.headers, ["content-type"])
  }))
} satisfies Record<string, Change>
