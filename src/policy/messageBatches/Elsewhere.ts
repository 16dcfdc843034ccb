/**
 * Calls whose batches another process sends: this one stores them and waits.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Demand from "../../claude/Demand.ts"
import type { CallKey, ReplyStore } from "../../claude/ReplyStore.ts"
import type { Request } from "../../claude/Request.ts"
import * as Call from "./Call.ts"

/** Waits for the answer of the other process. */
export const ask = Effect.fnUntraced(function* (
  { ask, onQuiet }: NonNullable<ReplyStore["wanted"]>,
  call: CallKey,
  request: Request
) {
  const since = yield* Clock.monotonicTimeNanos
  const answer = Effect.catchTag(ask(call, request), "ReplyStoreFailed", Effect.die)
  return yield* Call.reported(request, yield* Effect.result(Demand.blocked(onQuiet)(answer)), since)
})
