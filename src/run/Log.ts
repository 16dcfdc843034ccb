/**
 * How the command line prints log records: one line each on stderr. The records of `Logging`, one or more for every
 * call, are left out, because the display counts retries and the report lists failures; `--log-level` brings them back.
 */
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { format } from "effect/Formatter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import { redact } from "../claude/Redact.ts"

/** An annotation that every record of `Logging` has. */
const ofCall = "gen_ai.request.model"

const withCalls = Effect.map(Effect.serviceOption(GlobalFlag.LogLevel), (flag) => Option.isSome(Option.flatten(flag)))

/** Prints the records of a job; with `--log-level`, the records of calls too. */
export const layer = Layer.unwrap(
  Effect.map(withCalls, (withCalls) =>
    Logger.layer([
      lines(withCalls, ({ cause, date, facts, level, message }) => {
        const named = Object.entries(facts).map(([name, value]) => `${name}=${value}`)
        return redact([date.toTimeString().slice(0, 8), level, message, ...named].join(" ") + (cause && `\n${cause}`))
      }),
      Logger.tracerLogger
    ])
  )
)

/**
 * Prints the records, and all that is written to the console, as one object of JSON a line on stderr, for programs that
 * collect logs: `time`, `level`, `message`, `worker`, the annotations of the record, and the span that it belongs to.
 */
export const layerJson = (worker: string) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const outer = yield* Console.Console
      const encode = ({ cause, date, facts, level, message, span }: Line) =>
        JSON.stringify({
          time: date.toISOString(),
          level,
          message,
          worker,
          ...(Object.keys(facts).length > 0 && { annotations: facts }),
          ...(cause !== "" && { cause }),
          ...(span !== undefined && { trace_id: span.traceId, span_id: span.spanId })
        })
      const print =
        (level: string) =>
        (...parts: ReadonlyArray<unknown>) => {
          const message = redact(parts.map(text).join(" "))
          outer.error(encode({ date: new Date(), level, message, facts: {}, cause: "", span: undefined }))
        }
      const [info, debug] = [print("INFO"), print("DEBUG")]
      const console = { ...outer, log: info, error: info, info, debug, warn: print("WARN") }
      return Layer.merge(
        Logger.layer([lines(yield* withCalls, encode, outer), Logger.tracerLogger]),
        Layer.succeed(Console.Console, console)
      )
    })
  )

/** A record without secrets. */
interface Line {
  readonly date: Date
  readonly level: string
  readonly message: string
  readonly facts: Readonly<Record<string, string>>
  /** Empty where there is none. */
  readonly cause: string
  /** The span that it belongs to, if spans are sent anywhere. */
  readonly span: Tracer.Span | undefined
}

/** Writes each record as one line, to the console of its fiber or to the given one. */
const lines = (withCalls: boolean, encode: (line: Line) => string, console?: Console.Console) =>
  Logger.make<unknown, void>(({ cause, date, fiber, logLevel, message }) => {
    const annotations = fiber.getRef(References.CurrentLogAnnotations)
    if (!withCalls && ofCall in annotations) return
    const parent = Option.getOrUndefined(Context.getOption(fiber.context, Tracer.ParentSpan))
    const isTraced = fiber.getRef(Tracer.Tracer) !== Tracer.nativeTracer
    const parts = Array.isArray(message) ? message : [message]
    const line = {
      date,
      level: logLevel.toUpperCase(),
      message: redact(parts.map(text).join(" ")),
      facts: Record.map(annotations, (value) => redact(text(value))),
      cause: cause.reasons.length === 0 ? "" : redact(Cause.pretty(cause)),
      span: isTraced && parent?._tag === "Span" ? parent : undefined
    }
    ;(console ?? fiber.getRef(Console.Console)).error(encode(line))
  })

const text = (value: unknown): string => (typeof value === "string" ? value : format(value))
