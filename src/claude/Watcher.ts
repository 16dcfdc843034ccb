/**
 * Watches calls from its place in the stack: a fold over the `Event`s of one call, handed over at its end. Policies that
 * only observe, such as `Telemetry` and `Logging`, are watchers.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Admission from "./Admission.ts"
import type { Claude } from "./Claude.ts"
import * as Event from "./Event.ts"
import { isBilled } from "./Reply.ts"
import type { Request } from "./Request.ts"
import * as Usage from "./Usage.ts"

/** The sum of the events of a call. */
export interface Totals {
  /** Requests that were sent; 0 where a cache answered. */
  readonly attempts: number
  /** The tokens that the attempts were billed; undefined where no attempt reported any. */
  readonly usage: Usage.Usage | undefined
  /** Their cost in US dollars; undefined where an attempt has no known price. */
  readonly cost: BigDecimal.BigDecimal | undefined
  /** Attempts whose bill is unknown, because they are in flight or were interrupted. */
  readonly unsettled: ReadonlyArray<number>
}

/** How a call ended, and the sum of its events. */
export interface Outcome extends Admission.Outcome, Totals {
  readonly duration: Duration.Duration
}

/** Watches one call. */
export interface Watcher {
  /** The request to send. */
  readonly request: Request
  /** Changes the context in which the call runs, such as its span. */
  readonly context?: (outer: Context.Context<never>) => Context.Context<never>
  /** Receives the events of the call until it ends, after the listeners of the program. */
  readonly listener: Event.Listener
  /** Runs at the end of the call; `now` is in nanoseconds since 1970. */
  readonly end: (outcome: Outcome, now: bigint) => Effect.Effect<void>
}

/** No events yet. */
export const empty: Totals = { attempts: 0, usage: undefined, cost: BigDecimal.fromBigInt(0n), unsettled: [] }

/**
 * The totals after one more event. Attempts may overlap. Each is billed once: a second end is ignored, unless the first
 * was an interruption, whose bill was unknown. Answers of a cache or a journal are not billed again.
 */
export const update = (totals: Totals, event: Event.Event): Totals => {
  switch (event._tag) {
    case "call-sent":
      return { ...totals, attempts: totals.attempts + 1, unsettled: [...totals.unsettled, event.attempt] }
    case "call-finished":
      return settled(totals, event, isBilled(event.origin) ? event.usage : undefined)
    case "call-failed":
      return settled(totals, event, event.error.reason.usage)
    default:
      return totals
  }
}

const settled = (
  totals: Totals,
  { attempt, cost }: Event.CallFinished | Event.CallFailed,
  usage: Usage.Usage | undefined
): Totals => {
  if (!totals.unsettled.includes(attempt)) return totals
  const unsettled = totals.unsettled.filter((other) => other !== attempt)
  if (usage === undefined) return { ...totals, unsettled }
  return {
    attempts: totals.attempts,
    usage: totals.usage === undefined ? usage : Usage.sum(totals.usage, usage),
    cost: totals.cost && cost && BigDecimal.sum(totals.cost, cost),
    unsettled
  }
}

/** Sets a watcher on every `create` and `stream`. With `content`, the outcomes of streams have their content. */
export const watching = (
  next: Claude["Service"],
  begin: (request: Request, streaming: boolean) => Effect.Effect<Watcher>,
  { content }: { readonly content: boolean }
): Claude["Service"] =>
  Admission.admitting(next, (request, streaming) =>
    Effect.withFiber((fiber) => {
      const clock = fiber.getRef(Clock.Clock)
      const since = clock.monotonicTimeNanosUnsafe()
      const outer = fiber.getRef(Event.Listener)
      return Effect.map(begin(request, streaming), (watcher): Admission.Admission => {
        let totals = empty
        let ended = false
        const all = Event.both(outer, watcher.listener)
        const listener: Event.Listener = (event) => {
          if (ended) return outer === undefined ? Effect.void : outer(event)
          totals = update(totals, event)
          return all(event)
        }
        return {
          request: watcher.request,
          content,
          context: (context) => Context.add(watcher.context?.(context) ?? context, Event.Listener, listener),
          settle: (outcome) =>
            Effect.suspend(() => {
              const now = clock.currentTimeNanosUnsafe()
              ended = true
              // An attempt that other callers share may still be running, and its cost is unknown.
              const cost = totals.unsettled.length === 0 ? totals.cost : undefined
              const duration = Duration.nanos(clock.monotonicTimeNanosUnsafe() - since)
              return watcher.end({ ...totals, ...outcome, cost, duration }, now)
            })
        }
      })
    })
  )
