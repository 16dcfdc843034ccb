/**
 * Turns the answer of a test into a whole message and into a stream of events, in whichever form the test gives it.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { ClaudeError, Reason, StreamInterrupted } from "../../claude/ClaudeError.ts"
import type { Message } from "../../claude/Reply.ts"
import type { Request } from "../../claude/Request.ts"
import { accumulator, fromMessage } from "../../claude/StreamEvent.ts"
import { type Fields, message, promptText, tokens } from "./Message.ts"

type Event = Anthropic.RawMessageStreamEvent
type Failure = Reason | ClaudeError

/**
 * One answer: a text, a block of content, fields of a message, the reason of a failure, or a stream. A stream holds
 * pieces of text or events of the API, and may have delays and failures. `create` waits for the end of a stream.
 */
export type Answer =
  | string
  | Anthropic.ContentBlock
  | Fields
  | Reason
  | Stream.Stream<string, Failure>
  | Stream.Stream<Event, Failure>

/** An answer, or an effect that returns one. */
export type Given = Answer | Effect.Effect<Answer, Failure>

/** An answer as the service returns it: the message, and its events. */
export interface Delivery {
  readonly whole: Effect.Effect<Message, ClaudeError>
  readonly events: Stream.Stream<Event, ClaudeError>
}

/** The answer to the call of this number. */
export const deliver = (answer: Answer, request: Request, call: number): Delivery => {
  const build = (fields: Fields) => {
    const usage = { input_tokens: tokens(promptText(request)), ...fields.usage }
    return message({ id: `msg_test_${call}`, model: request.model, ...fields, usage })
  }
  if (Stream.isStream(answer)) {
    const events = eventsOf(answer, (text) => build({ content: [text] }))
    return { whole: fold(events), events }
  }
  if (isReason(answer)) {
    const error = new ClaudeError({ reason: answer })
    return { whole: Effect.fail(error), events: Stream.fail(error) }
  }
  const whole = build(typeof answer === "string" || isBlock(answer) ? { content: [answer] } : answer)
  return { whole: Effect.succeed(whole), events: arriving(fromMessage(whole)) }
}

/** Whether an answer is a failure. */
export const isReason = Schema.is(Reason)

const isBlock = (answer: Anthropic.ContentBlock | Fields): answer is Anthropic.ContentBlock =>
  answer.type !== undefined && answer.type !== "message"

/** The events of a stream. Fails with `StreamInterrupted` if they end without `message_stop`, as streams of the API do. */
const eventsOf = (
  pieces: Stream.Stream<string | Event, Failure>,
  messageWith: (text: string) => Message
): Stream.Stream<Event, ClaudeError> =>
  Stream.suspend(() => {
    let text: string | undefined
    let ended = false
    const toEvents = (piece: string | Event): ReadonlyArray<Event> => {
      if (typeof piece !== "string") {
        ended ||= piece.type === "message_stop"
        return [piece]
      }
      const opening = text === undefined ? fromMessage(messageWith("")).slice(0, 2) : []
      text = `${text ?? ""}${piece}`
      return [...opening, { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: piece } }]
    }
    const closing = Stream.suspend((): Stream.Stream<Event, ClaudeError> => {
      if (text !== undefined) return arriving(fromMessage(messageWith(text)).slice(-3))
      return ended ? Stream.empty : Stream.fail(new ClaudeError({ reason: interrupted }))
    })
    return Stream.mapError(pieces, toError).pipe(Stream.map(toEvents), Stream.flattenIterable, Stream.concat(closing))
  })

const interrupted = new StreamInterrupted({ detail: "the answer ended without message_stop" })

const fold = (events: Stream.Stream<Event, ClaudeError>): Effect.Effect<Message, ClaudeError> =>
  Effect.suspend(() => {
    const { add, message } = accumulator()
    const whole = Effect.suspend(() => {
      const folded = message()
      return folded === undefined ? Effect.fail(new ClaudeError({ reason: interrupted })) : Effect.succeed(folded)
    })
    return Effect.andThen(
      Stream.runForEach(events, (event) => Effect.sync(() => add(event))),
      whole
    )
  })

/** Wraps a bare reason in a `ClaudeError`. */
export const toError = (failure: Failure): ClaudeError =>
  failure._tag === "ClaudeError" ? failure : new ClaudeError({ reason: failure })

/** Events that arrive one by one, as from the API: `streamObject` shows a value less often if they arrive together. */
const arriving = <A>(events: ReadonlyArray<A>) => Stream.fromIterable(events, { chunkSize: 1 })
