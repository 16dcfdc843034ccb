/**
 * What happened to a call, told to one listener. Progress, reports, logs, metrics and cost are folds over these
 * events; nobody keeps counters of its own.
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
import { billed, type Usage } from "./Usage.ts"

/** A request went out to the API. Ends with `call-finished`, `call-failed` or `call-interrupted`. */
export interface CallSent {
  readonly _tag: "call-sent"
  readonly model: string
}

/** The first event with content of a stream arrived. */
export interface CallFirstToken {
  readonly _tag: "call-first-token"
  readonly model: string
}

/**
 * An answer arrived in full. `cost` is in US dollars, and undefined where no price is known; `saved` is what the prompt
 * cache took off it, see `Cost.saved`.
 */
export interface CallFinished {
  readonly _tag: "call-finished"
  readonly model: string
  readonly origin: Origin
  readonly requestId: string | undefined
  readonly usage: Usage
  readonly cost: BigDecimal.BigDecimal | undefined
  readonly saved?: BigDecimal.BigDecimal | undefined
}

/**
 * An attempt failed. Where the error carries usage, that was billed: `cost` is in US dollars, by the price of the model
 * that was asked, and undefined where that has none.
 */
export interface CallFailed {
  readonly _tag: "call-failed"
  readonly model: string
  readonly error: ClaudeError
  readonly cost: BigDecimal.BigDecimal | undefined
  readonly saved?: BigDecimal.BigDecimal | undefined
}

/** The caller went away: the socket is closed, and the answer possibly billed. */
export interface CallInterrupted {
  readonly _tag: "call-interrupted"
  readonly model: string
}

/** A failed attempt will be repeated after `delay`. `attempt` is the number of the one that failed, from 1. */
export interface CallRetried {
  readonly _tag: "call-retried"
  readonly model: string
  readonly attempt: number
  readonly delay: Duration.Duration
  readonly error: ClaudeError
}

/**
 * The call got through what held it up for `duration`: a limit, a call that went first and warms the prompt cache, or an
 * equal one, whose answer it shares.
 */
export interface CallWaited {
  readonly _tag: "call-waited"
  readonly model: string
  readonly for: "concurrency" | "warm-up" | "equal-call"
  readonly duration: Duration.Duration
}

/** A cache answered in place of the API. `usage` and `saved` (US dollars) are what the API would have billed. */
export interface CallHit {
  readonly _tag: "call-hit"
  readonly model: string
  readonly requestId: string | undefined
  readonly usage: Usage
  readonly saved: BigDecimal.BigDecimal | undefined
}

/** The store of a cache failed; the call goes on without it. `detail` is in the words of the store. */
export interface CacheFailed {
  readonly _tag: "cache-failed"
  readonly operation: "read" | "write" | "remove" | "claim"
  readonly detail: string
}

/** `Batch` is done with one of its items. */
export interface ItemFinished {
  readonly _tag: "item-finished"
  readonly index: number
  readonly succeeded: boolean
}

/** A job knows how many rows it has. */
export interface RowsCounted {
  readonly _tag: "rows-counted"
  readonly total: number
}

/** An earlier run of the job finished this row. */
export interface RowSkipped {
  readonly _tag: "row-skipped"
  readonly index: number
}

/** This run of the job is done with the row. */
export interface RowFinished {
  readonly _tag: "row-finished"
  readonly index: number
  readonly succeeded: boolean
}

/** What happened. */
export type EventBody =
  | CallSent
  | CallFirstToken
  | CallFinished
  | CallFailed
  | CallInterrupted
  | CallRetried
  | CallWaited
  | CallHit
  | CacheFailed
  | ItemFinished
  | RowsCounted
  | RowSkipped
  | RowFinished

/** What happened, and where. */
export type Event = EventBody & { readonly site: CallSite }

/** Takes every event of the calls below it. */
export type Listener = (event: Event) => Effect.Effect<void>

/** The listener of the running fiber; by default nobody listens. */
export const Listener: Context.Reference<Listener | undefined> = Context.Reference("effect-claude/Event/Listener", {
  defaultValue: (): Listener | undefined => undefined
})

/** Tells the listener of the running fiber; without one, nothing is computed. */
export const emit = (body: (now: Date) => EventBody): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const listener = fiber.getRef(Listener)
    if (listener === undefined) return Effect.void
    const now = new Date(fiber.getRef(Clock.Clock).currentTimeMillisUnsafe())
    return listener({ ...body(now), site: fiber.getRef(CallSite) })
  })

/** Tells that an answer arrived, with what it is billed for and what that costs today. */
export const emitFinished = ({ message, origin, requestId }: Reply): Effect.Effect<void> =>
  emit((now) => {
    const { model } = message
    const usage = billed(message)
    const answer = { model, usage, at: now }
    return { _tag: "call-finished", model, origin, requestId, usage, cost: Cost.of(answer), saved: Cost.saved(answer) }
  })

/** What is over within so long was no wait: on a busy machine, as much goes by without one. */
const shortest = Duration.millis(10)

/** Tells that a call got through what had held it up `since` then, in nanoseconds. */
export const emitWaited = (model: string, reason: CallWaited["for"], since: bigint): Effect.Effect<void> =>
  Effect.flatMap(Clock.currentTimeNanos, (now) => {
    const duration = Duration.nanos(now - since)
    if (Duration.isLessThan(duration, shortest)) return Effect.void
    return emit(() => ({ _tag: "call-waited", model, for: reason, duration }))
  })

/** Tells that a cache gave this answer. */
export const emitHit = ({ message, requestId }: Reply): Effect.Effect<void> =>
  emit((now) => {
    const { model } = message
    const usage = billed(message)
    return { _tag: "call-hit", model, requestId, usage, saved: Cost.of({ model, usage, at: now }) }
  })

/** Adds a listener to those that the effect already has. */
export const listen =
  (listener: Listener) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.updateService(effect, Listener, (outer): Listener =>
      outer === undefined ? listener : (event) => Effect.andThen(outer(event), listener(event))
    )
