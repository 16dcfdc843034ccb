/**
 * Asks Claude for text, whole or as a stream. Both verbs continue a paused turn. They fail if the answer is not a finished
 * text; the error carries the text so far and the usage.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Claude } from "../claude/Claude.ts"
import { ClaudeError, StreamInterrupted } from "../claude/ClaudeError.ts"
import { type Reply, text } from "../claude/Reply.ts"
import { type Prompt, type Request, resolve } from "../claude/Request.ts"
import * as StreamEvent from "../claude/StreamEvent.ts"
import * as Turn from "./turn.ts"

export type { TextReply } from "./turn.ts"

/**
 * Asks for text. Fails with `Refused`, `OutputTruncated`, `ContextWindowExceeded`, `ToolUseRequested`, `OutputEmpty` or
 * `TurnPaused` if the answer has no text or only a part of it. Use `Claude.create` to get such answers as messages.
 */
export const generateText = Effect.fn("Claude.generateText")(function* (prompt: Prompt) {
  const request = yield* resolve(prompt)
  return yield* Turn.toReply(yield* ask(request), text)
})

/** Asks until the turn ends, or until it has been continued as often as allowed. */
export const ask = (request: Request) => Claude.use(({ create }) => askWith(create, request))

/** The same with any function that makes a call. */
export const askWith = Effect.fnUntraced(function* <E extends ClaudeError, R>(
  create: (request: Request) => Effect.Effect<Reply, E, R>,
  request: Request
) {
  let turn: Turn.Turn = [yield* create(request)]
  for (;;) {
    const next = Turn.continuation(request, turn)
    if (next === undefined) return turn
    const earlier = turn
    const reply = yield* Effect.mapError(create(next), (error) => Turn.addUsage(error, earlier))
    turn = Arr.append(turn, reply)
  }
})

/**
 * Asks for text and streams its pieces. `onFinish` receives the whole answer before the stream ends. If the answer is not
 * a finished text, the stream fails after its last piece, and `onFinish` does not run.
 */
export const streamText = <E = never, R = never>(
  prompt: Prompt,
  options?: { readonly onFinish?: (reply: Turn.TextReply) => Effect.Effect<unknown, E, R> }
): Stream.Stream<string, ClaudeError | E, Claude | R> =>
  Stream.unwrap(
    Effect.map(resolve(prompt), (request) => {
      const finish = Effect.fnUntraced(function* (turn: Turn.Turn) {
        const reply = yield* Turn.toReply(turn, text)
        if (options?.onFinish) yield* Turn.discardOnFailure(reply)(options.onFinish(reply))
      })
      return streamTurn(
        request,
        (events) =>
          events.pipe(
            Stream.map(StreamEvent.text),
            Stream.filter((text) => text !== "")
          ),
        (turn) => Stream.drain(Stream.fromEffect(finish(turn)))
      )
    })
  ).pipe(Stream.withSpan("Claude.streamText"))

/**
 * Streams all calls of a turn, then what `finish` makes of the turn. `pieces` turns the events of one call into elements;
 * `soFar` returns the turn with the message as far as it has arrived, and undefined before the message starts.
 */
export const streamTurn = <A, E = never, R = never, B = A, E2 = never, R2 = never>(
  request: Request,
  pieces: (
    events: Stream.Stream<StreamEvent.StreamEvent, ClaudeError>,
    soFar: () => Turn.Turn | undefined
  ) => Stream.Stream<A, ClaudeError | E, R>,
  finish: (turn: Turn.Turn) => Stream.Stream<B, ClaudeError | E2, R2>
): Stream.Stream<A | B, ClaudeError | E | E2, Claude | R | R2> => {
  type Streamed = Stream.Stream<A | B, ClaudeError | E | E2, R | R2>

  /** Streams one call, then continues the turn or ends it. */
  const rest = (claude: Claude["Service"], asked: Request, before: ReadonlyArray<Reply>): Streamed =>
    Stream.suspend(() => {
      const accumulator = StreamEvent.accumulator()
      let start: StreamEvent.StreamStart | undefined

      const soFar = (): Turn.Turn | undefined => {
        const message = accumulator.message()
        if (start === undefined || message === undefined) return undefined
        const { type: _, ...facts } = start
        return Arr.append(before, { ...facts, message })
      }
      const after = Stream.suspend((): Streamed => {
        const turn = soFar()
        if (turn === undefined) return Stream.fail(Turn.addUsage(new ClaudeError({ reason: unfinished }), before))
        const next = Turn.continuation(request, turn)
        return next === undefined ? finish(turn) : rest(claude, next, turn)
      })
      const events = claude.stream(asked).pipe(
        Stream.mapError((error) => Turn.addUsage(error, before)),
        Stream.map((event) => {
          if (event.type === "stream_start") start = event
          accumulator.add(event)
          return event
        })
      )
      return pieces(events, soFar).pipe(Stream.concat(after))
    })
  return Stream.unwrap(Claude.useSync((claude) => rest(claude, request, [])))
}

/** Why a stream without a whole message fails. */
export const unfinished = new StreamInterrupted({ detail: "the stream ended without a message" })
