/**
 * The spans below that of a call: a fold over its events. Every attempt has one, with one inside for its stream from
 * the first content on, and so have the waits between: for a limit, for whoever warms the prompt cache, and before a
 * repeat. Attempts are taken to come one after the other. What the errors say that spans end with is redacted.
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
  /** Whether anybody can get at it: the native tracer keeps no span, and an unsampled one is not kept. */
  readonly drawn: boolean
  readonly hear: (event: Event) => Effect.Effect<void>
  /** Seconds from the sending of the last attempt to its first content; of streams. */
  readonly firstChunk: () => number | undefined
  /** Ends what is still open, and the span of the call, when that is through. */
  readonly close: (now: bigint, exit: Exit.Exit<unknown, unknown>) => void
}

/** A timeline below the span of a call. */
export const make = (call: Tracer.Span, tracer: Tracer.Tracer, redact: Redact.Redact): Timeline => {
  const drawn = call.sampled && tracer !== Tracer.nativeTracer
  let attempts = 0
  let sentAt = 0n
  let firstChunk: number | undefined
  let attempt: Tracer.Span | undefined
  let stream: Tracer.Span | undefined
  let pause: { readonly span: Tracer.Span | undefined; readonly until: bigint } | undefined

  const span = (name: string, parent: Tracer.Span, startTime: bigint): Tracer.Span | undefined =>
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

  /** A wait before a repeat is told when it begins, and is over at the latest when something else happens. */
  const resume = (now: bigint) => {
    if (pause !== undefined) pause.span?.end(now < pause.until ? now : pause.until, Exit.void)
    pause = undefined
  }

  const told = (exit: Exit.Exit<unknown, unknown>) => (drawn ? Redact.exit(exit, redact) : exit)

  const end = (now: bigint, exit: Exit.Exit<unknown, unknown>) => {
    stream?.end(now, exit)
    attempt?.end(now, exit)
    stream = undefined
    attempt = undefined
  }

  const hear = (event: Event, now: bigint): void => {
    resume(now)
    switch (event._tag) {
      case "call-sent":
        attempts++
        sentAt = now
        firstChunk = undefined
        attempt = span(`attempt ${attempts}`, call, now)
        attempt?.attribute("gen_ai.request.model", event.model)
        return
      case "call-first-token":
        firstChunk = Number(now - sentAt) / 1e9
        attempt?.event("first chunk", now)
        if (attempt !== undefined) stream = span("stream", attempt, now)
        return
      case "call-finished":
        if (event.requestId !== undefined) attempt?.attribute("effect_claude.request_id", event.requestId)
        return end(now, Exit.void)
      case "call-failed":
        attempt?.attribute("error.type", event.error.reason._tag)
        return end(now, told(Exit.fail(event.error)))
      case "call-interrupted":
        return end(now, Exit.interrupt())
      case "call-waited":
        span(`wait for ${event.for}`, call, now - Duration.toNanosUnsafe(event.duration))?.end(now, Exit.void)
        return
      case "call-retried":
        pause = { span: span("wait to repeat", call, now), until: now + Duration.toNanosUnsafe(event.delay) }
    }
  }
  return {
    drawn,
    hear: (event) =>
      Effect.withFiber((fiber) => {
        hear(event, fiber.getRef(Clock.Clock).currentTimeNanosUnsafe())
        return Effect.void
      }),
    firstChunk: () => firstChunk,
    close: (now, exit) => {
      resume(now)
      end(now, Exit.interrupt())
      call.end(now, told(exit))
    }
  }
}
