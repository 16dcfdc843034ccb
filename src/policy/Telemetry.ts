/**
 * Spans and metrics of calls, in the OpenTelemetry GenAI conventions (`Attributes` says as of when), for whatever
 * tracer and exporter the program has, such as Effect's own OTLP or `@effect/opentelemetry`. Put it outermost.
 *
 * A call is one client span, `chat {model}`; below it are its attempts, their streams, and its waits. Prompts and answers
 * are on spans only if you opt in. Counting tokens has no span: the conventions have no operation for it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Tracer from "effect/Tracer"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import { AnthropicClient } from "../claude/AnthropicClient.ts"
import * as Attributes from "../claude/Attributes.ts"
import { CallSite } from "../claude/CallSite.ts"
import { wrap } from "../claude/Claude.ts"
import { Redactor } from "../claude/Redact.ts"
import type { Request } from "../claude/Request.ts"
import * as Watcher from "../claude/Watcher.ts"
import * as Content from "./telemetry/Content.ts"
import * as Instruments from "./telemetry/Instruments.ts"
import * as Timeline from "./telemetry/Timeline.ts"

export { layerSpans, Spans, waterfall } from "./telemetry/Waterfall.ts"

/** Facts that are sent only if you opt in. */
export interface Options {
  /** Puts prompts and answers on the spans, through `Redact.Redactor`. */
  readonly content?: boolean
  /** Sends the W3C `traceparent` header with each request, so that gateways can join the trace. */
  readonly propagate?: boolean
}

/** Traces and measures every `create` and `stream`. */
export const policy = ({ content = false, propagate = false }: Options = {}) =>
  wrap((next) =>
    Effect.gen(function* () {
      const provider = Attributes.ofProvider(yield* baseURL)
      const measure = Instruments.make(provider)

      const begin = (request: Request, streaming: boolean) =>
        Effect.withFiber((fiber) => {
          const redact = fiber.getRef(Redactor)
          const tracer = fiber.getRef(Tracer.Tracer)
          const attributes = () => ({
            ...Attributes.ofRequest(request, streaming),
            ...provider,
            ...Attributes.redacted(Attributes.ofSite(fiber.getRef(CallSite)), redact),
            ...(content && Content.ofRequest(request, redact))
          })
          // The native tracer drops spans.
          const options = { kind: "client", attributes: tracer === Tracer.nativeTracer ? {} : attributes() } as const
          return Effect.map(Effect.makeSpan(`chat ${request.model}`, options), (span) => {
            const timeline = Timeline.make(span, tracer, redact)
            const end = (outcome: Watcher.Outcome, now: bigint) => {
              const firstChunk = timeline.firstChunk()
              if (timeline.drawn) {
                annotate(span, Attributes.ofOutcome(outcome))
                if (firstChunk !== undefined) span.attribute("gen_ai.response.time_to_first_chunk", firstChunk)
                if (content && outcome.message) annotate(span, Content.ofMessage(outcome.message, redact))
              }
              timeline.close(now, outcome.exit)
              measure(request.model, outcome, firstChunk, fiber.context)
              return Effect.void
            }
            return {
              request: propagate ? carrying(request, span) : request,
              context: (outer: Context.Context<never>) => Context.add(outer, Tracer.ParentSpan, span),
              listener: timeline.listener,
              end
            }
          })
        })
      return Watcher.watching(next, begin, { content })
    })
  )

/** The address of the SDK client, if there is one. */
const baseURL = Effect.map(Effect.serviceOption(AnthropicClient), (client) =>
  Option.isSome(client) && Predicate.hasProperty(client.value, "baseURL") && Predicate.isString(client.value.baseURL)
    ? client.value.baseURL
    : undefined
)

/** The id of a span without a tracer may not be sent. */
const carrying = (request: Request, span: Tracer.Span): Request => {
  const { traceparent = "" } = HttpTraceContext.toHeaders(span)
  return /^[0-9a-f-]+$/.test(traceparent) ? { ...request, headers: { ...request.headers, traceparent } } : request
}

const annotate = (span: Tracer.Span, attributes: Attributes.Attributes) => {
  for (const name in attributes) span.attribute(name, attributes[name])
}
