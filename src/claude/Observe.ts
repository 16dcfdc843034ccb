/**
 * Tells the `Event` listener what happens to a call. Whatever answers calls itself (the API, a fake) wraps its
 * answers in this; policies do not.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Event from "./Event.ts"
import type { ClaudeError } from "./ClaudeError.ts"
import * as Cost from "./Cost.ts"
import type { Reply, ReplyFacts } from "./Reply.ts"
import type { Request } from "./Request.ts"
import * as StreamEvent from "./StreamEvent.ts"

/** Tells of one answer: sent, then one end: finished, failed or interrupted. */
export const create = (
  { model }: Request,
  answer: Effect.Effect<Reply, ClaudeError>
): Effect.Effect<Reply, ClaudeError> =>
  Event.emit(() => ({ _tag: "call-sent", model })).pipe(
    Effect.andThen(answer),
    Effect.onExit((exit) => (Exit.isSuccess(exit) ? Event.emitFinished(exit.value) : emitUnfinished(model, exit.cause)))
  )

/** Whatever is not a failure of its own took the caller away: an interruption, or a defect. */
const emitUnfinished = (model: string, cause: Cause.Cause<ClaudeError>) => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  return Event.emit((now) => {
    if (error === undefined) return { _tag: "call-interrupted", model }
    const { usage } = error.reason
    const answer = usage && { model, usage, at: now }
    const cost = answer && Cost.of(answer)
    return { _tag: "call-failed", model, error, cost, saved: answer && Cost.saved(answer) }
  })
}

/** Tells of one stream: sent, its first token, then finished, failed or interrupted. Costs nothing unless heard. */
export const stream = (
  { model }: Request,
  events: Stream.Stream<StreamEvent.StreamEvent, ClaudeError>
): Stream.Stream<StreamEvent.StreamEvent, ClaudeError> =>
  Stream.unwrap(
    Effect.contextWith((context: Context.Context<never>) =>
      Effect.succeed(Context.get(context, Event.Listener) === undefined ? events : telling(model, events, context))
    )
  )

/** The end is told in the context of the beginning: whoever leaves a stream closes it in one of his own. */
const telling = (
  model: string,
  events: Stream.Stream<StreamEvent.StreamEvent, ClaudeError>,
  context: Context.Context<never>
) => {
  const accumulator = StreamEvent.accumulator()
  let facts: ReplyFacts | undefined
  let content = false
  let ended = false
  let failure: Cause.Cause<ClaudeError> = Cause.empty

  /** What there is to tell of an event; of most there is nothing. */
  const tell = (event: StreamEvent.StreamEvent): Effect.Effect<void> | undefined => {
    accumulator.add(event)
    if (event.type === "stream_start") facts = event
    if (event.type === "message_stop") {
      ended = true
      const message = accumulator.message()
      return facts && message && Event.emitFinished({ ...facts, message })
    }
    if (content || !StreamEvent.isContent(event)) return undefined
    content = true
    return Event.emit(() => ({ _tag: "call-first-token", model }))
  }
  return Stream.fromEffect(Event.emit(() => ({ _tag: "call-sent", model }))).pipe(
    Stream.drain,
    Stream.concat(Stream.tapCause(events, (cause) => Effect.sync(() => (failure = cause)))),
    Stream.mapArrayEffect((chunk) => {
      const told = chunk.map(tell).filter((effect) => effect !== undefined)
      return told.length === 0 ? Effect.succeed(chunk) : Effect.as(Effect.all(told, { discard: true }), chunk)
    }),
    // What the reader failed with is none of the call's: for the call, he went away.
    Stream.ensuring(
      Effect.suspend(() => (ended ? Effect.void : Effect.provideContext(emitUnfinished(model, failure), context)))
    )
  )
}
