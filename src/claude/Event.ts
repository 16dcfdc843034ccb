/**
 * Reports what happens to calls, batches, items and rows, to one listener. Progress, reports, logs, metrics and cost are
 * folds over these events: write a listener instead of counters of your own. A fold over attempts keeps a map by
 * `attempt`, because attempts of one call may overlap.
 */
import type * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { CallSite } from "./CallSite.ts"
import type { ClaudeError } from "./ClaudeError.ts"
import * as Cost from "./Cost.ts"
import type { Origin, Reply } from "./Reply.ts"
import type { Usage } from "./Usage.ts"

/**
 * What every event of one attempt has. An attempt is one request to the API or to a fake; retries, fallbacks and hedges
 * make several for one call. `Observe` mints the numbers from 1: they are unique in the process, so that events of
 * attempts that run at the same time can be told apart.
 */
export interface OfAttempt {
  readonly attempt: number
  readonly model: string
}

/**
 * A row of a job makes a call that has no stored reply. Its waits and attempts follow, and then `call-ended`. Until an
 * attempt is sent, the call waits.
 */
export interface CallBegun {
  readonly _tag: "call-begun"
  readonly model: string
}

/** A call that reported `call-begun` has its reply stored, has failed, or is given up. */
export interface CallEnded {
  readonly _tag: "call-ended"
  readonly model: string
}

/** The attempt began. It ends with one of `call-finished`, `call-failed` and `call-interrupted`. */
export interface CallSent extends OfAttempt {
  readonly _tag: "call-sent"
}

/** The first content of a stream arrived. */
export interface CallFirstToken extends OfAttempt {
  readonly _tag: "call-first-token"
}

/**
 * The whole answer arrived. `model` is the one that answered; `reply` holds text, so do not log it. `cost` is in US
 * dollars, and undefined where no price is known; `saved` is the part that the prompt cache took off, see `Cost.saved`.
 */
export interface CallFinished extends OfAttempt {
  readonly _tag: "call-finished"
  readonly reply: Reply
  readonly origin: Origin
  readonly requestId: string | undefined
  readonly usage: Usage
  readonly cost: BigDecimal.BigDecimal | undefined
  readonly saved: BigDecimal.BigDecimal | undefined
}

/**
 * The attempt failed. Where the error carries usage, that was billed: `cost` is in US dollars, at the price of the model
 * that was asked, and undefined where that has none.
 */
export interface CallFailed extends OfAttempt {
  readonly _tag: "call-failed"
  readonly error: ClaudeError
  readonly cost: BigDecimal.BigDecimal | undefined
  readonly saved: BigDecimal.BigDecimal | undefined
}

/** The caller cancelled the attempt: the socket is closed. The answer may have been billed. */
export interface CallInterrupted extends OfAttempt {
  readonly _tag: "call-interrupted"
}

/**
 * `Retry` will call again after `delay`, because of `error`. It knows the call, not the attempts below it: `repeat`
 * counts the repeats of this call from 1, and `repeats` is the largest number that the schedule allows after such an
 * error, undefined for a schedule of your own.
 */
export interface CallRetried {
  readonly _tag: "call-retried"
  readonly model: string
  readonly repeat: number
  readonly repeats: number | undefined
  readonly delay: Duration.Duration
  readonly error: ClaudeError
}

/**
 * `Fallback` asks the model `to`, because `model` failed with `error`. If that is `CircuitOpen`, `model` was not asked.
 */
export interface CallFellBack {
  readonly _tag: "call-fell-back"
  readonly model: string
  readonly to: string
  readonly error: ClaudeError
}

/** `Hedge` sends the request a second time, because no answer came within `after`, counted from `call-sent`. */
export interface CallHedged {
  readonly _tag: "call-hedged"
  readonly model: string
  readonly after: Duration.Duration
}

/**
 * The call waited for `duration` and continues: for a permit, for a rate limit, for money of the budget, for the call that
 * warms the prompt cache, for an identical call whose answer it shares, or for a batch. A wait comes before the attempts
 * of a call, so it has no `attempt`.
 */
export interface CallWaited {
  readonly _tag: "call-waited"
  readonly model: string
  readonly for: "concurrency" | "rate-limit" | "budget" | "warm-up" | "equal-call" | "batch"
  readonly duration: Duration.Duration
}

/**
 * What the calls of a group of models wait for; `binds` is undefined if no call waits. Reported when it changes, at most
 * once a second. For one of the three limits, `limit` is what it allows in a minute, undefined if that is unknown.
 */
export interface LimitBinds {
  readonly _tag: "limit-binds"
  readonly group: string
  /** `pause`: after a refusal; `ramp`: the limits are unknown. */
  readonly binds: "requests" | "inputTokens" | "outputTokens" | "pause" | "ramp" | undefined
  readonly limit: number | undefined
}

/**
 * Whether calls wait for money of a budget: for the whole one, or for the `share` of a label or a step. Reported when the
 * first call begins to wait, and when no call waits any more.
 */
export interface BudgetBinds {
  readonly _tag: "budget-binds"
  readonly share: string | undefined
  readonly binds: boolean
}

/**
 * A cache answered instead of the API, so there was no attempt. `usage` and `saved` (US dollars) are those that the API
 * would have billed.
 */
export interface CallHit {
  readonly _tag: "call-hit"
  readonly model: string
  readonly reply: Reply
  readonly requestId: string | undefined
  readonly usage: Usage
  readonly saved: BigDecimal.BigDecimal | undefined
}

/** An answer that should be a value was not JSON, and was repaired without a call. `model` gave the answer. */
export interface OutputRepaired {
  readonly _tag: "output-repaired"
  readonly model: string
}

/** `generateObject` asks once more, because the answer of `model` does not satisfy the schema. */
export interface OutputReasked {
  readonly _tag: "output-reasked"
  readonly model: string
}

/** How a call of a tool ended. All but `succeeded` were reported to the model as an error. */
export type ToolEnding =
  | "succeeded"
  | "failed"
  | "timed-out"
  | "denied"
  | "unknown-tool"
  | "invalid-arguments"
  | "not-run"

/**
 * A call of a tool has its result, which `generateWithTools` sends to Claude. `tool` is undefined where the toolkit has no
 * such tool. `duration` includes the wait for an approval. A failure that is raised has no event: the verb fails with it.
 */
export interface ToolFinished {
  readonly _tag: "tool-finished"
  readonly tool: string | undefined
  readonly outcome: ToolEnding
  readonly duration: Duration.Duration
}

/** The store of a cache failed, and the call continues without it. `detail` is the message of the store. */
export interface CacheFailed {
  readonly _tag: "cache-failed"
  readonly operation: "read" | "write" | "remove" | "claim"
  readonly detail: string
}

/** What every event of a Message Batch has: the id that the API gave it, and the number of its requests. */
export interface OfBatch {
  readonly batch: string
  readonly requests: number
}

/**
 * A batch was sent; `since` (milliseconds since 1970) is when. `how` is `resumed` if an earlier process sent it, and
 * `adopted` if its id was lost and it was found again by its requests.
 */
export interface BatchSent extends OfBatch {
  readonly _tag: "batch-sent"
  readonly how: "sent" | "resumed" | "adopted"
  readonly since: number
}

/** The API reported the state of a batch that has not ended: its own word, such as `in_progress` or `canceling`. */
export interface BatchPolled extends OfBatch {
  readonly _tag: "batch-polled"
  readonly state: string
}

/** A batch has ended, with these numbers of results; the results are read next. */
export interface BatchEnded extends OfBatch {
  readonly _tag: "batch-ended"
  readonly succeeded: number
  readonly errored: number
  readonly canceled: number
  readonly expired: number
}

/** The API does not know the batch any more: it was deleted. The calls without an answer are sent again. */
export interface BatchLost extends OfBatch {
  readonly _tag: "batch-lost"
}

/** A request about batches failed and is repeated after `delay`. `batch` is undefined until the batch has an id. */
export interface BatchRetried {
  readonly _tag: "batch-retried"
  readonly batch: string | undefined
  readonly error: ClaudeError
  readonly delay: Duration.Duration
}

/** `Batch` finished one of its items. */
export interface ItemFinished {
  readonly _tag: "item-finished"
  readonly index: number
  readonly succeeded: boolean
}

/** A job counted its rows. Earlier runs finished `done` of them. */
export interface RowsCounted {
  readonly _tag: "rows-counted"
  readonly total: number
  readonly done: number
}

/**
 * The calls that a job may have in flight at once: reported at its start, and when that changes. While it is `paused`, no
 * row starts.
 */
export interface RunPaced {
  readonly _tag: "run-paced"
  readonly calls: number
  readonly paused: boolean
}

/** This process has taken a chunk of rows to work on; see `Dispatcher`. */
export interface ChunkTaken {
  readonly _tag: "chunk-taken"
}

/** This process no longer has the chunk: its rows are done, others may take it at once, or others may have taken it. */
export interface ChunkEnded {
  readonly _tag: "chunk-ended"
  readonly outcome: "completed" | "given-back" | "lost"
}

/** A worker has read in the database whether its job is paused, and can work on rows. Reported every second. */
export interface RunChecked {
  readonly _tag: "run-checked"
}

/** A worker does not work on its job: it waits, such as for a submission or for the database. */
export interface JobWaits {
  readonly _tag: "job-waits"
  readonly reason: string
}

/** This run of the job finished the row. For a row that failed, `failure` is its key and its error, without secrets. */
export interface RowFinished {
  readonly _tag: "row-finished"
  readonly index: number
  readonly succeeded: boolean
  readonly failure?: string
}

/** An event without its place in the program. */
export type EventBody =
  | CallBegun
  | CallEnded
  | CallSent
  | CallFirstToken
  | CallFinished
  | CallFailed
  | CallInterrupted
  | CallRetried
  | CallFellBack
  | CallHedged
  | CallWaited
  | LimitBinds
  | BudgetBinds
  | CallHit
  | OutputRepaired
  | OutputReasked
  | ToolFinished
  | CacheFailed
  | BatchSent
  | BatchPolled
  | BatchEnded
  | BatchLost
  | BatchRetried
  | ItemFinished
  | RowsCounted
  | RunPaced
  | ChunkTaken
  | ChunkEnded
  | RunChecked
  | JobWaits
  | RowFinished

/** An event, and the call site that it belongs to. */
export type Event = EventBody & { readonly site: CallSite }

/** Receives every event of the calls below it. */
export type Listener = (event: Event) => Effect.Effect<void>

/** The listener of the running fiber; by default there is none. */
export const Listener: Context.Reference<Listener | undefined> = Context.Reference("effect-claude/Event/Listener", {
  defaultValue: (): Listener | undefined => undefined
})

/** Sends an event to the listener of the running fiber. Without a listener, the body is not computed. */
export const emit = (body: (now: Date) => EventBody): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const listener = fiber.getRef(Listener)
    if (listener === undefined) return Effect.void
    const now = new Date(fiber.getRef(Clock.Clock).currentTimeMillisUnsafe())
    return listener({ ...body(now), site: fiber.getRef(CallSite) })
  })

/** The event of an answer that arrived, with its bill at the prices of `now`. */
export const finished = (attempt: number, reply: Reply, now: Date): CallFinished => {
  const { message, origin, requestId } = reply
  const { model } = message
  return { _tag: "call-finished", attempt, model, reply, origin, requestId, ...Cost.bill(message, now) }
}

/** Shorter waits are not reported: on a busy machine, this much passes without any wait. */
const shortestWait = Duration.millis(10)

/** Reports that a call waited `since` then (monotonic nanoseconds) and now continues. */
export const emitWaited = (model: string, reason: CallWaited["for"], since: bigint): Effect.Effect<void> =>
  Effect.flatMap(Clock.monotonicTimeNanos, (now) => {
    const duration = Duration.nanos(now - since)
    if (Duration.isLessThan(duration, shortestWait)) return Effect.void
    return emit(() => ({ _tag: "call-waited", model, for: reason, duration }))
  })

/** Reports that a cache gave this answer. */
export const emitHit = (reply: Reply): Effect.Effect<void> =>
  emit((now) => {
    const { message, requestId } = reply
    const { cost, usage } = Cost.bill(message, now)
    return { _tag: "call-hit", model: message.model, reply, requestId, usage, saved: cost }
  })

/** Adds a listener to those that the effect already has; the outer ones receive each event first. */
export const listen =
  (listener: Listener) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.updateService(effect, Listener, (outer) => both(outer, listener))

/** A listener that passes each event on to both, the outer one first. */
export const both = (outer: Listener | undefined, inner: Listener): Listener =>
  outer === undefined ? inner : (event) => Effect.andThen(outer(event), inner(event))
