/**
 * Watches calls from its place in the pile: a fold over the `Event`s of one call, handed over when it is through.
 * What logs, traces or measures calls is a watcher, and keeps no counts of its own.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import * as Event from "./Event.ts"
import type { Claude } from "./Claude.ts"
import type { ClaudeError } from "./ClaudeError.ts"
import { isBilled, type Message, type ReplyFacts, text } from "./Reply.ts"
import type { Request } from "./Request.ts"
import * as StreamEvent from "./StreamEvent.ts"
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

/** What a call came to. */
export interface Outcome extends Totals {
  /** A stream counts as interrupted where its reader left before the end, or failed: that is no failure of the call. */
  readonly exit: Exit.Exit<unknown, unknown>
  readonly duration: Duration.Duration
  readonly facts: ReplyFacts | undefined
  /** As much of the message as had come; a stream's has content only where the watcher wants it. */
  readonly message: Message | undefined
  /** Characters of text in the answer, as far as it came. */
  readonly length: number
}

/** One who watches one call. */
export interface Watcher {
  /** The request as it is to go on. */
  readonly request: Request
  /** What the call runs in, such as a span. */
  readonly context: Context.Context<never>
  readonly hear: Event.Listener
  /** `now` is the end of the call, in nanoseconds. */
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

/** Sets a watcher on every `create` and every `stream`. `content`: whether outcomes of streams have it. */
export const watching = (
  next: Claude["Service"],
  begin: (request: Request, streaming: boolean) => Effect.Effect<Watcher>,
  { content }: { readonly content: boolean }
): Claude["Service"] => {
  const start = (request: Request, streaming: boolean) =>
    Effect.withFiber((fiber) => {
      const clock = fiber.getRef(Clock.Clock)
      const since = clock.currentTimeNanosUnsafe()
      const outer = fiber.getRef(Event.Listener)
      return Effect.map(begin(request, streaming), (watcher) => {
        let totals = empty
        let ended = false
        const hear = (event: Event.Event) => {
          if (ended) return outer === undefined ? Effect.void : outer(event)
          totals = update(totals, event)
          return outer === undefined ? watcher.hear(event) : Effect.andThen(outer(event), watcher.hear(event))
        }
        const end = (ending: Pick<Outcome, "exit" | "facts" | "message" | "length">) =>
          Effect.suspend(() => {
            const now = clock.currentTimeNanosUnsafe()
            ended = true
            // An attempt that other callers share may still be running, and its cost is unknown.
            const cost = totals.unsettled.length === 0 ? totals.cost : undefined
            return watcher.end({ ...totals, cost, ...ending, duration: Duration.nanos(now - since) }, now)
          })
        const context = Context.add(watcher.context, Event.Listener, hear)
        return { request: watcher.request, context, end }
      })
    })

  const stream = (request: Request) =>
    Effect.gen(function* () {
      const accumulator = StreamEvent.accumulator()
      let facts: ReplyFacts | undefined
      let ended: Exit.Exit<void, ClaudeError> | undefined
      let length = 0

      const watched = yield* Effect.acquireRelease(start(request, true), ({ end }) =>
        end({ exit: ended ?? Exit.interrupt(), facts, message: accumulator.message(), length })
      )
      return Stream.suspend(() => next.stream(watched.request)).pipe(
        Stream.tapCause((cause) => Effect.sync(() => (ended ??= Exit.failCause(cause)))),
        Stream.mapArray((events) => {
          for (const event of events) {
            if (event.type === "stream_start") facts = event
            else if (event.type === "message_stop") ended = Exit.void
            else if (content || !StreamEvent.isContent(event)) accumulator.add(event)
            length += StreamEvent.text(event).length
          }
          return events
        }),
        Stream.provideContext(watched.context)
      )
    })

  return {
    create: (request) =>
      Effect.acquireUseRelease(
        start(request, false),
        ({ context, request }) => Effect.provideContext(next.create(request), context),
        ({ end }, exit) => {
          if (Exit.isFailure(exit)) return end({ exit, facts: undefined, message: undefined, length: 0 })
          const { message } = exit.value
          return end({ exit, facts: exit.value, message, length: text(message).length })
        }
      ),
    stream: (request) => Stream.unwrap(stream(request)),
    countTokens: next.countTokens,
    capacity: next.capacity
  }
}
