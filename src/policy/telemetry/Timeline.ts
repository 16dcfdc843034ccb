/**
 * Creates the spans below the span of a call, from its events. Each attempt has a span, and inside it a span for its
 * stream from the first content on. Each wait has a span too: for a permit, for the call that warms the prompt cache,
 * and before a repeat. Attempts may overlap. Secrets are removed from the errors in spans.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import type { Event } from "../../claude/Event.ts"
import * as Redact from "../../claude/Redact.ts"

/** Draws the spans of one call. */
export interface Timeline {
  /**
   * Whether the spans are created. They are not for an unsampled call, or with the native tracer, which drops spans.
   */
  readonly drawn: boolean
  readonly listener: (event: Event) => Effect.Effect<void>
  /**
   * Seconds from the start of an attempt to its first content, for streams. Of several attempts, the finished one
   * counts; before one has finished, the attempt with the latest first content counts.
   */
  readonly firstChunk: () => number | undefined
  /** Ends the span of the call, and those below it that are still open. */
  readonly close: (now: bigint, exit: Exit.Exit<unknown, unknown>) => void
}

interface Attempt {
  readonly sentAt: bigint
  readonly span: Tracer.Span | undefined
  stream: Tracer.Span | undefined
  firstChunk: number | undefined
}

/** A timeline below the span of a call. */
export const make = (call: Tracer.Span, tracer: Tracer.Tracer, redact: Redact.Redact): Timeline => {
  const drawn = call.sampled && tracer !== Tracer.nativeTracer
  let sent = 0
  let firstChunk: number | undefined
  const attempts = new Map<number, Attempt>()
  let pauses: ReadonlyArray<{ readonly span: Tracer.Span | undefined; readonly until: bigint }> = []

  const makeSpan = (name: string, parent: Tracer.Span, startTime: bigint): Tracer.Span | undefined =>
    drawn
      ? tracer.span({
          name,
          parent: Option.some(parent),
          annotations: Context.empty(),
          links: [],
          startTime,
          kind: "internal",
          root: false,
          sampled: true
        })
      : undefined

  /** Ends the waits before a repeat that are over by now. Their events arrive when a wait begins. */
  const endPauses = (now: bigint) => {
    for (const { span, until } of pauses) if (until <= now) span?.end(until, Exit.void)
    pauses = pauses.filter(({ until }) => until > now)
  }

  const shown = (exit: Exit.Exit<unknown, unknown>) => (drawn ? Redact.exit(exit, redact) : exit)

  const end = (id: number, now: bigint, exit: Exit.Exit<unknown, unknown>) => {
    const attempt = attempts.get(id)
    attempts.delete(id)
    attempt?.stream?.end(now, exit)
    attempt?.span?.end(now, exit)
  }

  const update = (event: Event, now: bigint): void => {
    endPauses(now)
    switch (event._tag) {
      case "call-sent": {
        const span = makeSpan(`attempt ${++sent}`, call, now)
        span?.attribute("gen_ai.request.model", event.model)
        attempts.set(event.attempt, { sentAt: now, span, stream: undefined, firstChunk: undefined })
        return
      }
      case "call-first-token": {
        const attempt = attempts.get(event.attempt)
        if (attempt === undefined) return
        firstChunk = attempt.firstChunk = Number(now - attempt.sentAt) / 1e9
        attempt.span?.event("first chunk", now)
        if (attempt.span !== undefined) attempt.stream = makeSpan("stream", attempt.span, now)
        return
      }
      case "call-finished": {
        const attempt = attempts.get(event.attempt)
        if (attempt === undefined) return
        firstChunk = attempt.firstChunk
        if (event.requestId !== undefined) attempt.span?.attribute("effect_claude.request_id", event.requestId)
        return end(event.attempt, now, Exit.void)
      }
      case "call-failed":
        attempts.get(event.attempt)?.span?.attribute("error.type", event.error.reason._tag)
        return end(event.attempt, now, shown(Exit.fail(event.error)))
      case "call-interrupted":
        return end(event.attempt, now, Exit.interrupt())
      case "call-waited":
        makeSpan(`wait for ${event.for}`, call, now - Duration.toNanosUnsafe(event.duration))?.end(now, Exit.void)
        return
      case "call-fell-back":
        call.attribute("effect_claude.fallback.model", event.to)
        call.attribute("effect_claude.fallback.error", event.error.reason._tag)
        return
      case "call-hedged":
        call.attribute("effect_claude.hedged", true)
        return
      case "call-retried": {
        const until = now + Duration.toNanosUnsafe(event.delay)
        pauses = [...pauses, { span: makeSpan("wait to repeat", call, now), until }]
      }
    }
  }
  return {
    drawn,
    listener: (event) =>
      Effect.withFiber((fiber) => {
        update(event, fiber.getRef(Clock.Clock).currentTimeNanosUnsafe())
        return Effect.void
      }),
    firstChunk: () => firstChunk,
    close: (now, exit) => {
      endPauses(now)
      for (const { span } of pauses) span?.end(now, Exit.void)
      for (const id of attempts.keys()) end(id, now, Exit.interrupt())
      call.end(now, shown(exit))
    }
  }
}
