/**
 * Where a durable program keeps the replies it has paid for. The run of a job provides one and sets `CurrentCall` for
 * each call; `MessageBatches` keeps its batches in it, so that a process that dies loses neither replies nor batches.
 * Outside of a job there is none, and nothing outlives the process.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Reply } from "./Reply.ts"
import type { Request } from "./Request.ts"
import type { Restored } from "./StoredReply.ts"
import type { WantedCalls } from "./WantedCalls.ts"

/**
 * Identifies a call of a job, the same in every run: the key of its row, the path of its steps, the hash of its request,
 * and its number among identical calls of that path, counted from 0.
 */
export const CallKey = Schema.Struct({
  row: Schema.String,
  path: Schema.String,
  hash: Schema.String,
  occurrence: Schema.Int
})
export type CallKey = typeof CallKey.Type

/** The store cannot be read or written. The run stops; no row has failed. */
export class ReplyStoreFailed extends Schema.TaggedError<ReplyStoreFailed>()("ReplyStoreFailed", {
  detail: Schema.String
}) {
  override get message() {
    return `the replies cannot be stored: ${this.detail}`
  }
}

/** A request of a batch. */
export interface BatchItem {
  /** The API's `custom_id`. */
  readonly customId: string
  readonly call: CallKey
  /** `Request.hash` of what is sent. It differs from that of the call where a policy changed the request. */
  readonly requestHash: string
}

/** A batch that is about to be sent, or was. It is stored before it is sent. */
export interface BatchIntent {
  /** Unique; part of every `custom_id`, so that the results of a batch show whose they are. */
  readonly id: string
  /** When it was stored, in milliseconds since 1970. */
  readonly createdAt: number
  readonly items: ReadonlyArray<BatchItem>
  /** The API's id; undefined until its answer is stored. */
  readonly batchId: string | undefined
}

/** When a reply was asked for and how long it took, in milliseconds. */
export interface Timing {
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly duration: number
  /** The time to the first content of a stream. */
  readonly firstToken?: number
}

/** A reply, and the call that it answers. */
export interface Answer {
  readonly call: CallKey
  /**
   * The store keeps it for some rows, to explain later changes. It is undefined if the request was sent in a batch by an
   * earlier process, and no row has asked for it since.
   */
  readonly request: Request | undefined
  readonly reply: Reply
  /** Undefined where no single request gave the reply: for one of a batch or a cache. */
  readonly timing?: Timing | undefined
}

/** A store of replies and batches. Every write returns after it is committed. */
export interface ReplyStore {
  readonly find: (call: CallKey) => Effect.Effect<Restored | undefined, ReplyStoreFailed>
  /** Stores replies, and adds their cost to that of the run. A reply that is stored already is replaced. */
  readonly save: (answers: ReadonlyArray<Answer>) => Effect.Effect<void, ReplyStoreFailed>
  /** Stores a batch before it is sent. */
  readonly intend: (intent: BatchIntent) => Effect.Effect<void, ReplyStoreFailed>
  /** Stores the API's id of a batch; without one, forgets it. */
  readonly sent: (intent: string, batchId?: string) => Effect.Effect<void, ReplyStoreFailed>
  /** Removes a batch: all its results are stored, or it was never created. */
  readonly ended: (intent: string) => Effect.Effect<void, ReplyStoreFailed>
  /** The batches that have not ended, the oldest first. */
  readonly unfinished: Effect.Effect<ReadonlyArray<BatchIntent>, ReplyStoreFailed>
  /** Whether a batch of the API belongs to any job of this store, also to one that has ended. */
  readonly knows: (batchId: string) => Effect.Effect<boolean, ReplyStoreFailed>
  /** Present where another process sends the batches. */
  readonly wanted?: WantedCalls<CallKey, ReplyStoreFailed> | undefined
}

/** The store of the running fiber. */
export const ReplyStore: Context.Reference<ReplyStore | undefined> = Context.Reference("effect-claude/ReplyStore", {
  defaultValue: (): ReplyStore | undefined => undefined
})

/** The call that the running fiber makes, if it is one of a job. */
export const CurrentCall: Context.Reference<CallKey | undefined> = Context.Reference("effect-claude/CurrentCall", {
  defaultValue: (): CallKey | undefined => undefined
})
