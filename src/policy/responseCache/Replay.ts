/**
 * Between whole answers and streams of them; and what of both is told to those who did not ask themselves.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Stream from "effect/Stream"
import * as Event from "../../claude/Event.ts"
import type { Reply, ReplyFacts } from "../../claude/Reply.ts"
import * as StreamEvent from "../../claude/StreamEvent.ts"

type Events<E> = Stream.Stream<StreamEvent.StreamEvent, E>

/** A stream of a message that is there. */
export const events = ({ message, ...facts }: Reply): Events<never> =>
  Stream.fromIterable([{ type: "stream_start", ...facts }, ...StreamEvent.fromMessage(message)])

/** Changes the facts of a stream, and hands over its reply when it is whole, before its last events are handed on. */
export const whole =
  <E2>(change: (facts: ReplyFacts) => ReplyFacts, use: (reply: Reply) => Effect.Effect<unknown, E2>) =>
  <E>(self: Events<E>): Events<E | E2> => {
    const accumulator = StreamEvent.accumulator()
    let facts: ReplyFacts | undefined

    const add = (event: StreamEvent.StreamEvent): StreamEvent.StreamEvent => {
      accumulator.add(event)
      if (event.type !== "stream_start") return event
      facts = change(event)
      return { type: "stream_start", ...facts }
    }
    return Stream.mapArrayEffect(self, (chunk) => {
      const added = Arr.map(chunk, add)
      const message = chunk.some(({ type }) => type === "message_stop") ? accumulator.message() : undefined
      if (facts === undefined || message === undefined) return Effect.succeed(added)
      return Effect.as(use({ ...facts, message }), added)
    })
  }

/** Reads a stream to its end. */
export const collect = <E>(self: Events<E>): Effect.Effect<Reply | undefined, E> => {
  let reply: Reply | undefined
  const keep = whole(identity, (whole) => Effect.sync(() => (reply = whole)))
  return Effect.map(Stream.runDrain(keep(self)), () => reply)
}

/** What came with an answer that was asked for elsewhere. */
const asHit = ({ discard, requestId }: ReplyFacts): ReplyFacts => ({
  requestId,
  origin: "cache",
  rateLimits: undefined,
  discard
})

/** An answer that was asked for elsewhere; tells so. */
export const hit = (reply: Reply): Effect.Effect<Reply> =>
  Effect.as(Event.emitHit(reply), { ...asHit(reply), message: reply.message })

/** The same of a stream; tells so at its end. */
export const hits = whole(asHit, Event.emitHit)
