/**
 * Turns a reply into the stream that would have brought it, and a stream into its reply. Use it where an answer is kept
 * in one form and wanted in the other: in a cache, a journal, or a call that others share.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Stream from "effect/Stream"
import type { Reply, ReplyFacts } from "./Reply.ts"
import * as StreamEvent from "./StreamEvent.ts"

type Events<E> = Stream.Stream<StreamEvent.StreamEvent, E>

/** The reply as a stream: `stream_start`, then the events of its message. */
export const toStream = ({ message, ...facts }: Reply): Events<never> =>
  Stream.fromIterable([{ type: "stream_start", ...facts }, ...StreamEvent.fromMessage(message)])

/**
 * Changes the facts of a stream with `change`, and runs `use` with the whole reply before `message_stop` is passed on. A
 * stream that ends early runs nothing. `use` cannot be interrupted.
 */
export const onReply =
  <E2>(change: (facts: ReplyFacts) => ReplyFacts, use: (reply: Reply) => Effect.Effect<unknown, E2>) =>
  <E>(self: Events<E>): Events<E | E2> =>
    Stream.suspend(() => {
      const accumulator = StreamEvent.accumulator()
      let facts: ReplyFacts | undefined

      const add = (event: StreamEvent.StreamEvent): StreamEvent.StreamEvent => {
        accumulator.add(event)
        if (event.type !== "stream_start") return event
        const { type, ...received } = event
        facts = change(received)
        return { type, ...facts }
      }
      const pass = (chunk: Arr.NonEmptyReadonlyArray<StreamEvent.StreamEvent>) => {
        const added = Arr.map(chunk, add)
        const message = chunk.some(({ type }) => type === "message_stop") ? accumulator.message() : undefined
        if (facts === undefined || message === undefined) return Effect.succeed(added)
        return Effect.as(use({ ...facts, message }), added)
      }
      // No interruption comes between the arrival of the reply and its use.
      return Stream.transformPull(self, (pull) =>
        Effect.succeed(Effect.uninterruptibleMask((restore) => Effect.flatMap(restore(pull), pass)))
      )
    })

/** Reads a stream to its end; `undefined` where it has no whole reply. */
export const toReply = <E>(self: Events<E>): Effect.Effect<Reply | undefined, E> =>
  Effect.suspend(() => {
    let reply: Reply | undefined
    const keep = onReply(identity, (whole) => Effect.sync(() => (reply = whole)))
    return Effect.map(Stream.runDrain(keep(self)), () => reply)
  })
