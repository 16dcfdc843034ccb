/**
 * Tells the `CallEvent` listener what happens to a call. Whatever answers calls itself (the API, a fake) wraps its
 * answers in this; policies do not.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as CallEvent from "./CallEvent.ts"
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
  CallEvent.emit(() => ({ _tag: "call-sent", model })).pipe(
    Effect.andThen(answer),
    Effect.onExit((exit) =>
      Exit.isSuccess(exit) ? CallEvent.emitFinished(exit.value) : emitUnfinished(model, exit.cause)
    )
  )

/** Whatever is not a failure of its own took the caller away: an interruption, or a defect. */
const emitUnfinished = (model: string, cause: Cause.Cause<ClaudeError>) => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  return CallEvent.emit((now) => {
    if (error === undefined) return { _tag: "call-interrupted", model }
    const { usage } = error.reason
    return { _tag: "call-failed", model, error, cost: usage && Cost.of({ model, usage, at: now }) }
  })
}

/** Tells of one stream: sent, its first token, then finished, failed or interrupted. Costs nothing unless heard. */
export const stream = (
  { model }: Request,
  events: Stream.Stream<StreamEvent.StreamEvent, ClaudeError>
): Stream.Stream<StreamEvent.StreamEvent, ClaudeError> =>
  Stream.unwrap(
    Effect.map(CallEvent.Listener, (listener) => (listener === undefined ? events : telling(model, events)))
  )

const telling = (model: string, events: Stream.Stream<StreamEvent.StreamEvent, ClaudeError>) => {
  const accumulator = StreamEvent.accumulator()
  let facts: ReplyFacts | undefined
  let content = false
  let ended = false

  const tell = Effect.fnUntraced(function* (event: StreamEvent.StreamEvent) {
    accumulator.add(event)
    if (event.type === "stream_start") facts = event
    if (event.type === "message_stop") {
      ended = true
      const message = accumulator.message()
      if (facts !== undefined && message !== undefined) yield* CallEvent.emitFinished({ ...facts, message })
    } else if (!content && StreamEvent.isContent(event)) {
      content = true
      yield* CallEvent.emit(() => ({ _tag: "call-first-token", model }))
    }
  })
  return Stream.fromEffect(CallEvent.emit(() => ({ _tag: "call-sent", model }))).pipe(
    Stream.drain,
    Stream.concat(events),
    Stream.mapArrayEffect((chunk) => Effect.as(Effect.forEach(chunk, tell, { discard: true }), chunk)),
    Stream.onExit((exit) => {
      if (ended) return Effect.void
      return emitUnfinished(model, Exit.isFailure(exit) ? exit.cause : Cause.empty)
    })
  )
}
