/**
 * Turns an answer that another call got into a hit of the cache. A hit costs nothing and is reported as `call-hit`.
 */
import * as Effect from "effect/Effect"
import * as Event from "../../claude/Event.ts"
import * as Replay from "../../claude/Replay.ts"
import type { Reply, ReplyFacts } from "../../claude/Reply.ts"

const asHit = ({ discard, requestId }: ReplyFacts): ReplyFacts => ({
  requestId,
  origin: "cache",
  rateLimits: undefined,
  discard
})

/** Turns a reply into a hit and reports it. */
export const hit = (reply: Reply): Effect.Effect<Reply> => {
  const stored = { ...asHit(reply), message: reply.message }
  return Effect.as(Event.emitHit(stored), stored)
}

/** Turns a stream into a hit and reports it at the end of the stream. */
export const hits = Replay.onReply(asHit, Event.emitHit)
