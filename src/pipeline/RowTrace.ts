/**
 * The trace of a row: its own root span, linked to the span of the run. A single trace with a million rows would be
 * unusable in any viewer. Where several processes work on a job, the trace of a row has a root span for each process that
 * worked on the row. Without a tracer there are no spans, because they cost time and nothing would show them.
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
import * as Sha256 from "../claude/Sha256.ts"

/** The part of one process in a job on which several work. */
export interface Part {
  /** Identifies the submission of the job. */
  readonly submission: string
  /** The name of the process. */
  readonly worker: string | undefined
}

/** The part of this process. Without one, each run of a row has a separate trace. */
export const Part: Context.Reference<Part | undefined> = Context.Reference("effect-claude/RowTrace/Part", {
  defaultValue: (): Part | undefined => undefined
})

/**
 * The id of the trace of a row, in the form of W3C Trace Context: every process computes the same one. The parent has no
 * id of a span, which marks a root in OTLP: a parent that is not exported would leave the trace incomplete.
 */
const traceOf = ({ submission }: Part, row: string) =>
  Tracer.externalSpan({ traceId: Sha256.hex(`${submission}\n${row}`).slice(0, 32), spanId: "" })

/** Whether spans are sent anywhere. */
const isTraced = (fiber: Fiber.Fiber<unknown, unknown>) => fiber.getRef(Tracer.Tracer) !== Tracer.nativeTracer

/** Runs a row in its own trace. The span ends with the exit that the row returns, and all secrets in it are redacted. */
export const trace = <A, E, E2, R>(row: Effect.Effect<Exit.Exit<A, E>, E2, R>): Effect.Effect<Exit.Exit<A, E>, E2, R> =>
  Effect.withFiber((fiber) => (isTraced(fiber) ? traced(row) : row))

const traced = <A, E, E2, R>(row: Effect.Effect<Exit.Exit<A, E>, E2, R>) =>
  Effect.acquireUseRelease(
    Effect.withFiber((fiber) => {
      const run = Option.toArray(Context.getOption(fiber.context, Tracer.ParentSpan))
      const part = fiber.getRef(Part)
      const site = fiber.getRef(CallSite.CallSite)
      return Effect.makeSpan(`row ${site.job}`, {
        ...(part === undefined ? { root: true } : { parent: traceOf(part, site.row ?? "") }),
        links: run.map((span) => ({ span, attributes: {} })),
        attributes: {
          ...attributesOf(fiber),
          ...(part?.worker !== undefined && { "effect_claude.worker": part.worker })
        }
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

const attributesOf = (fiber: Fiber.Fiber<unknown, unknown>) =>
  Attributes.redacted(Attributes.ofSite(fiber.getRef(CallSite.CallSite)), fiber.getRef(Redact.Redactor))

/** The span of a call whose reply an earlier run, or another process, has stored. */
export const replaying = <A, E, R>(model: string, replay: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    if (!isTraced(fiber)) return replay
    const attributes = { "gen_ai.response.model": model, "effect_claude.origin": "journal" }
    return Effect.withSpan(replay, `replay ${model}`, { attributes: { ...attributesOf(fiber), ...attributes } })
  })

/** The span in which the result of a row is stored. */
export const storing = <A, E, R>(store: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => (isTraced(fiber) ? Effect.withSpan(store, "store") : store))
