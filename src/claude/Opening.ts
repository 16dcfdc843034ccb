/**
 * Opens a stream up to its first content: a failure before that leaves nothing behind, so another attempt may replace it.
 * Retries, fallbacks and hedges of streams are built on it.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ClaudeError } from "./ClaudeError.ts"
import { isContent, type StreamEvent } from "./StreamEvent.ts"

/** A pull of a stream of events. */
export type Events = Pull.Pull<Arr.NonEmptyReadonlyArray<StreamEvent>, ClaudeError>

/**
 * Reads a stream up to and including its first content. The result is a stream that repeats these events and then
 * continues. A failure closes the source at once; otherwise it stays open until the scope closes.
 */
export const open = (stream: Stream.Stream<StreamEvent, ClaudeError>) =>
  Effect.map(begin(stream, isContent), ({ events, pull }) => resume(events, pull))

/** Reads a stream up to and including the first event that satisfies `isOpen`; without one, to its end. */
export const begin = Effect.fnUntraced(function* (
  stream: Stream.Stream<StreamEvent, ClaudeError>,
  isOpen: (event: StreamEvent) => boolean
) {
  const scope = yield* Effect.flatMap(Effect.scope, Scope.fork)
  const opening = Effect.gen(function* () {
    const pull: Events = yield* Stream.toPull(stream)
    const events: Array<StreamEvent> = []
    let done = false
    while (!done && !events.some(isOpen)) {
      yield* pull.pipe(
        Effect.map((more) => events.push(...more)),
        Pull.catchDone(() => Effect.sync(() => (done = true)))
      )
    }
    const rest: Events = done ? Cause.done() : pull
    return { events, pull: rest }
  })
  return yield* Effect.onError(Scope.provide(opening, scope), (cause) => Scope.close(scope, Exit.failCause(cause)))
})

/** A stream that begins with these events and continues with a pull, at the cost of the pull alone. */
export const resume = (events: ReadonlyArray<StreamEvent>, pull: Events): Stream.Stream<StreamEvent, ClaudeError> =>
  Stream.fromPull(
    Effect.sync(() => {
      let first = events
      return Effect.suspend(() => {
        if (!Arr.isReadonlyArrayNonEmpty(first)) return pull
        const opening = Effect.succeed(first)
        first = []
        return opening
      })
    })
  )
