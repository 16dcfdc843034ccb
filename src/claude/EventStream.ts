/**
 * Reads the server-sent events of one streamed answer, one array of events for each read of the socket. The socket is
 * read only when the consumer asks, and closed when the consumer stops.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import { ClaudeError, TimedOut } from "./ClaudeError.ts"
import * as Decoder from "./eventStream/Decoder.ts"
import { fromUnexpected, fromUnknown } from "./Failure.ts"
import * as Json from "./Json.ts"
import * as Opening from "./Opening.ts"
import { isMessage } from "./Reply.ts"
import * as StreamEvent from "./StreamEvent.ts"
import * as Timer from "./Timer.ts"

/**
 * `start`, and then the events of a response, without pings and heartbeats; its scope is the life of the socket. Fails
 * with
 * - `StreamInterrupted` or `MalformedResponse` where the events are no complete answer (see `StreamOrder`),
 * - the reason of an `error` event, or of a JSON body that reports an error,
 * - `TimedOut` when `idle` passes without a byte while the consumer waits.
 *
 * The error carries the usage so far. `message_stop` comes once the server has ended the body, or after a second.
 */
export const fromResponse = Effect.fnUntraced(function* (
  start: StreamEvent.StreamStart,
  response: Response,
  idle: Duration.Duration
) {
  const { body, headers } = response
  if (body === null || /json|html/.test(headers.get("content-type") ?? ""))
    return yield* fromWhole(start, response, idle)
  const reader = body.getReader()
  // Nothing waits for the cancel: if the body is decompressed, it may wait for a read that never ends.
  yield* Effect.addFinalizer(() => Effect.sync(() => void reader.cancel().catch(() => {})))
  const decoder = Decoder.make(headers)
  const read = yield* watchedRead(reader, decoder, idle)
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
  return Opening.resume([start], pull)
})

/**
 * A server that does not stream answers with the whole message. A gateway reports errors in JSON, with status 200 too.
 * Of a page, the first bytes are read, for its title.
 */
const fromWhole = Effect.fnUntraced(function* (
  start: StreamEvent.StreamStart,
  response: Response,
  idle: Duration.Duration
) {
  const isPage = response.headers.get("content-type")?.includes("html") === true
  const detail = `no whole body within ${Duration.format(idle)}`
  const text = yield* Effect.tryPromise({
    try: () => (isPage ? firstBytes(response) : response.text()),
    catch: fromUnknown
  }).pipe(
    Effect.timeoutOrElse({
      duration: idle,
      orElse: () => Effect.fail(new ClaudeError({ reason: new TimedOut({ detail, remedy: Decoder.raiseIdle }) }))
    })
  )
  const data = Json.parse(text)
  if (!isMessage(data)) return yield* fromUnexpected("a stream of events", text, response)
  return Opening.resume([start, ...StreamEvent.fromMessage(data)], Cause.done())
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

/**
 * A read of the socket, `undefined` at its end. One timer for the whole stream, not one for each read, finds a stalled
 * read. It measures monotonic time, because the wall clock may jump, such as after a sleep of the machine.
 */
const watchedRead = (reader: Reader, decoder: Decoder.Decoder, idle: Duration.Duration) =>
  Effect.withFiber((fiber) => {
    const clock = fiber.getRef(Clock.Clock)
    const limit = Duration.toMillis(idle)
    let waiting: { readonly since: number; readonly expire: () => void } | undefined
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    const left = () => (waiting === undefined ? limit : waiting.since + limit - now())
    const watch = (): (() => void) =>
      Timer.after(left(), fiber, () => {
        if (left() <= 0) waiting?.expire()
        stop = watch()
      })
    let stop = watch()

    const read = Effect.callback<Uint8Array | undefined, ClaudeError>((resume) => {
      const settle = (result: Effect.Effect<Uint8Array | undefined, ClaudeError>) => {
        waiting = undefined
        resume(result)
      }
      waiting = {
        since: now(),
        expire: () => settle(Effect.fail(decoder.stalled(idle)))
      }
      reader.read().then(
        ({ value }) => settle(Effect.succeed(value)),
        (error) => settle(Effect.fail(decoder.broken(error)))
      )
    })
    return Effect.as(
      Effect.addFinalizer(() => Effect.sync(() => stop())),
      read
    )
  })

/**
 * Reads on after `message_stop`, for a second at most: the connection can be used again only after the end of its body,
 * and a second answer in the same body shows only here.
 */
const readRest = (reader: Reader, decoder: Decoder.Decoder) =>
  Effect.withFiber((fiber) =>
    Effect.callback<void>((resume) => {
      let isOver = false
      const end = () => {
        isOver = true
        stop()
        resume(Effect.void)
      }
      const stop = Timer.after("1 second", fiber, end)
      const next = (): void =>
        void reader.read().then(({ value }) => {
          if (isOver) return
          if (value !== undefined) decoder.add(value)
          if (value === undefined || decoder.failure() !== undefined) end()
          else next()
        }, end)
      next()
      return Effect.sync(() => {
        isOver = true
        stop()
      })
    })
  )
