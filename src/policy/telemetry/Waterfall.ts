/**
 * Draws the spans of a program in a terminal, one per line. It keeps all spans in memory: use it for one call or one
 * row while you develop, and use a collector for long programs.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { errorType } from "../../claude/Attributes.ts"

/** All spans so far, in the order in which they began. */
export class Spans extends Context.Service<Spans, Effect.Effect<ReadonlyArray<Tracer.Span>>>()(
  "effect-claude/Telemetry/Spans"
) {}

/** A tracer that keeps every span. */
export const layerSpans: Layer.Layer<Spans> = Layer.effectContext(
  Effect.sync(() => {
    const spans: Array<Tracer.Span> = []
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        spans.push(span)
        return span
      }
    })
    return Context.make(
      Spans,
      Effect.sync(() => [...spans])
    ).pipe(Context.add(Tracer.Tracer, tracer))
  })
)

/** One line for each span that has ended, below its parent: name, bar, duration, and the reason of a failure. */
export const waterfall = (spans: ReadonlyArray<Tracer.Span>, width = 40): string => {
  const rows = spans.flatMap((span) => (span.status._tag === "Ended" ? [{ span, ...span.status }] : []))
  const begin = rows.reduce((least, { startTime }) => (startTime < least ? startTime : least), rows[0]?.startTime ?? 0n)
  const total = rows.reduce((most, { endTime }) => (endTime - begin > most ? endTime - begin : most), 1n)
  const column = (time: bigint) => Number(((time - begin) * BigInt(width)) / total)
  const known = new Set(rows.map(({ span }) => span.spanId))

  const below = (parent: string | undefined, depth: number): ReadonlyArray<readonly [string, Row]> =>
    rows
      .filter(({ span }) => parentOf(span, known) === parent)
      .toSorted((a, b) => Number(a.startTime - b.startTime))
      .flatMap((row) => [
        [`${"  ".repeat(depth)}${nameOf(row.span)}`, row] as const,
        ...below(row.span.spanId, depth + 1)
      ])

  const lines = below(undefined, 0)
  const names = Math.max(0, ...lines.map(([name]) => name.length))
  return lines
    .map(([name, { endTime, exit, span, startTime }]) => {
      const from = Math.min(column(startTime), width - 1)
      const bar = `${" ".repeat(from)}${"━".repeat(Math.max(1, column(endTime) - from))}`
      const took = Duration.format(Duration.millis(Math.round(Number(endTime - startTime) / 1e6)))
      return `${name.padEnd(names)}  ${bar.padEnd(width)}  ${took.padStart(9)}${mark(exit)}${origin(span)}`
    })
    .join("\n")
}

interface Row {
  readonly span: Tracer.Span
  readonly startTime: bigint
  readonly endTime: bigint
  readonly exit: Exit.Exit<unknown, unknown>
}

const nameOf = ({ attributes, name }: Tracer.Span): string => {
  const site = attributes.get("effect_claude.step.path") ?? attributes.get("effect_claude.row")
  return site === undefined ? name : `${name} (${site})`
}

/** The origin of an answer that the API did not give. */
const origin = ({ attributes }: Tracer.Span): string => {
  const origin = attributes.get("effect_claude.origin")
  return origin === undefined || origin === "api" ? "" : `  from the ${String(origin)}`
}

const parentOf = (span: Tracer.Span, known: ReadonlySet<string>): string | undefined =>
  Option.getOrUndefined(
    Option.filter(
      Option.map(span.parent, ({ spanId }) => spanId),
      (id) => known.has(id)
    )
  )

const mark = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return ""
  return Cause.hasInterruptsOnly(exit.cause) ? "  interrupted" : `  failed: ${errorType(exit)}`
}
