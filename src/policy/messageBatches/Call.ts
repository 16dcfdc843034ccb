/**
 * A call that waits for its answer in a batch. A call that is made again joins the one that is queued or in a batch
 * already, and is not sent twice: after a crash, and after its fiber was interrupted.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { ClaudeError } from "../../claude/ClaudeError.ts"
import * as Event from "../../claude/Event.ts"
import type { Hold } from "../../claude/Hold.ts"
import * as Observe from "../../claude/Observe.ts"
import type { Reply } from "../../claude/Reply.ts"
import type { CallKey } from "../../claude/ReplyStore.ts"
import type { Request } from "../../claude/Request.ts"
import type { Lane } from "./Lanes.ts"

/** The calls of one store. */
export interface Ledger {
  /** Those that are queued or in a batch, by their ids. */
  readonly open: Map<string, Call>
  /** The ids of calls whose replies were stored while no fiber waited for them. */
  readonly early: Set<string>
}

/** The place of a call in a job. */
export interface Place {
  readonly ledger: Ledger
  readonly key: CallKey
  /** `Request.hash` of what is sent. */
  readonly requestHash: string
  /** All of them as one text. */
  readonly id: string
}

/** A call. */
export interface Call {
  lane: Lane
  /** Undefined for a call of an earlier process until a row asks for it. */
  request: Request | undefined
  /** Undefined if no store keeps the reply. */
  readonly place: Place | undefined
  state: "new" | "queued" | "sent" | "answered" | "failed"
  /** Fibers that wait for the answer. */
  waiters: number
  /** The holds of these fibers until its batch is sent. */
  readonly holds: Set<Hold>
  /** How often it was put into a batch. */
  submissions: number
  /** Completed when its batch is sent. */
  readonly sent: Deferred.Deferred<void>
  /** Replaced when the waiting fibers are released with an error while the batch continues. */
  answer: Deferred.Deferred<Reply, ClaudeError>
}

/** A call without waiters. */
export const make = (options: Pick<Call, "lane" | "request" | "place" | "state">): Call => ({
  ...options,
  waiters: 0,
  holds: new Set(),
  submissions: 0,
  sent: Deferred.makeUnsafe(),
  answer: Deferred.makeUnsafe()
})

const isCanceled = ({ isRetryable, reason }: ClaudeError) => reason._tag === "BatchItemLost" && !isRetryable

/** Reports the wait, and the attempt where the API has made one: when its answer is stored, so that no reply is lost. */
export const reported = Effect.fnUntraced(function* (
  request: Request,
  result: Result.Result<Reply, ClaudeError>,
  since: bigint
) {
  yield* Event.emitWaited(request.model, "batch", since)
  if (Result.isFailure(result) && isCanceled(result.failure)) return yield* result.failure
  return yield* Observe.create(request, Effect.fromResult(result))
})

/** The place of a call. */
export const placeOf = (ledger: Ledger, key: CallKey, requestHash: string): Place => ({
  ledger,
  key,
  requestHash,
  id: JSON.stringify([key.row, key.path, key.hash, key.occurrence, requestHash])
})
