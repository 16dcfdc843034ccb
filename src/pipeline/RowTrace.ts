/**
 * The trace of a row: its own root span, linked to the span of the run. A single trace with a million rows would be
 * unusable in any viewer. Without a tracer there are no spans, because they cost time and nothing would show them.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import * as Attributes from "../claude/Attributes.ts"
import * as CallSite from "../claude/CallSite.ts"
import * as Redact from "../claude/Redact.ts"

/** Whether spans are sent anywhere. */
const isTraced = (fiber: Fiber.Fiber<unknown, unknown>) => fiber.getRef(Tracer.Tracer) !== Tracer.nativeTracer

/** Runs a row in its own trace. The span ends with the exit that the row returns, and all secrets in it are redacted. */
export const trace = <A, E, E2, R>(row: Effect.Effect<Exit.Exit<A, E>, E2, R>): Effect.Effect<Exit.Exit<A, E>, E2, R> =>
  Effect.withFiber((fiber) => (isTraced(fiber) ? traced(row) : row))

const traced = <A, E, E2, R>(row: Effect.Effect<Exit.Exit<A, E>, E2, R>) =>
  Effect.acquireUseRelease(
    Effect.withFiber((fiber) => {
      const run = Option.toArray(Context.getOption(fiber.context, Tracer.ParentSpan))
      const site = fiber.getRef(CallSite.CallSite)
      return Effect.makeSpan(`row ${site.job}`, {
        root: true,
        links: run.map((span) => ({ span, attributes: {} })),
        attributes: Attributes.redacted(Attributes.ofSite(site), fiber.getRef(Redact.Redactor))
      })
    }),
    (span) => Effect.provideService(row, Tracer.ParentSpan, span),
    (span, exit) =>
      Effect.withFiber((fiber) => {
        const end: Exit.Exit<unknown, unknown> = Exit.isSuccess(exit) ? exit.value : exit
        span.end(fiber.getRef(Clock.Clock).currentTimeNanosUnsafe(), Redact.exit(end, fiber.getRef(Redact.Redactor)))
        return Effect.void
      })
  )

/** The span in which the result of a row is stored. */
export const storing = <A, E, R>(store: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => (isTraced(fiber) ? Effect.withSpan(store, "store") : store))
