/**
 * An answer that another call asked for, as a hit of the cache: it costs this call nothing, and is reported as
 * `call-hit`.
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

/** A reply as a hit; reports it. */
export const hit = (reply: Reply): Effect.Effect<Reply> => {
  const stored = { ...asHit(reply), message: reply.message }
  return Effect.as(Event.emitHit(stored), stored)
}

/** A stream as a hit; reports it at its end. */
export const hits = Replay.onReply(asHit, Event.emitHit)
