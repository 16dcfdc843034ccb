/**
 * The span of a handler, by the OpenTelemetry GenAI conventions: `execute_tool NAME`. It has no arguments, no result and
 * no message of an error.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Tracer from "effect/Tracer"

/** Runs a handler in its span. `errorType` names the failure of an exit; undefined for a success. */
export const traced = <A, E, R>(
  { id, name }: { readonly id: string; readonly name: string },
  errorType: (exit: Exit.Exit<A, E>) => string | undefined,
  handler: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    // The native tracer drops spans.
    if (fiber.getRef(Tracer.Tracer) === Tracer.nativeTracer) return handler
    const attributes = {
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": name,
      "gen_ai.tool.call.id": id,
      "gen_ai.tool.type": "function"
    }
    return Effect.flatMap(Effect.makeSpan(`execute_tool ${name}`, { kind: "internal", attributes }), (span) =>
      Effect.onExit(Effect.provideService(handler, Tracer.ParentSpan, withoutParameters(span)), (exit) =>
        Effect.map(Clock.Clock, (clock) => {
          const error = errorType(exit)
          if (error !== undefined) span.attribute("error.type", error)
          span.end(clock.currentTimeNanosUnsafe(), error === undefined ? Exit.void : Exit.fail(error))
        })
      )
    )
  })

/** `Toolkit` writes the arguments of a call into the attribute `parameters` of its span. */
const withoutParameters = (span: Tracer.Span): Tracer.Span =>
  new Proxy(span, {
    get: (target, key) => {
      if (key === "attribute") {
        return (name: string, value: unknown) => {
          if (name !== "parameters") target.attribute(name, value)
        }
      }
      const value: unknown = Reflect.get(target, key)
      return typeof value === "function" ? value.bind(target) : value
    }
  })
