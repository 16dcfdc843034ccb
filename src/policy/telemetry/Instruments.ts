/**
 * The client metrics of the GenAI conventions with the recommended boundaries, and a metric for the cost.
 * `time_per_output_chunk` is left out. The modality is `unknown`, because Claude counts tokens of text and of images
 * together. The server's address is left out: its port must be a number, and attributes of Effect's metrics are texts.
 */
import * as BigDecimal from "effect/BigDecimal"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Metric from "effect/Metric"
import * as Record from "effect/Record"
import { type Attributes, errorType, usageOf } from "../../claude/Attributes.ts"
import { isBilled } from "../../claude/Reply.ts"
import * as Usage from "../../claude/Usage.ts"
import type { Outcome } from "../../claude/Watcher.ts"

const seconds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
const tokens = Array.from({ length: 14 }, (_, exponent) => 4 ** exponent)

type Instrument = Metric.Metric<number, unknown>

/** Effect takes the unit of a metric from the attribute `unit`. */
const histogram = (name: string, description: string, unit: string, boundaries: ReadonlyArray<number>): Instrument =>
  Metric.histogram(`gen_ai.client.inference.${name}`, { description, boundaries, attributes: { unit } })

const counter = (name: string, description: string): Instrument =>
  Metric.counter(`gen_ai.client.inference.usage.${name}`, {
    description,
    attributes: { unit: "{token}", "gen_ai.token.modality": "unknown" },
    incremental: true
  })

const cost: Instrument = Metric.counter("effect_claude.cost", {
  description: "Cost of calls in US dollars, if the price is known",
  attributes: { unit: "{USD}" },
  incremental: true
})

const metrics = {
  duration: histogram("duration", "Time from the start of a call to the end of its answer", "s", seconds),
  firstChunk: histogram("time_to_first_chunk", "From the sending of a request to its first content", "s", seconds),
  inputTokens: histogram("operation.input_tokens", "Input tokens of a call, cached ones included", "{token}", tokens),
  outputTokens: histogram("operation.output_tokens", "Output tokens of a call", "{token}", tokens),
  input: counter("input_tokens", "Input tokens, cached ones included"),
  output: counter("output_tokens", "Output tokens, thinking included"),
  cacheRead: counter("cache_read.input_tokens", "Input tokens read from the prompt cache"),
  cacheWrite: counter("cache_write.input_tokens", "Input tokens written to the prompt cache"),
  reasoning: counter("reasoning.output_tokens", "Output tokens of thinking"),
  cost
}

/** Measures one call. `firstChunk` is the time to the first chunk of a stream, in seconds. */
export type Measure = (
  model: string,
  outcome: Outcome,
  firstChunk: number | undefined,
  context: Context.Context<never>
) => void

/**
 * The instruments for one provider. They are created once for each set of attributes: creating costs more than using.
 */
export const make = (provider: Attributes): Measure => {
  const made = new Map<string, ReturnType<typeof instrumentsOf>>()

  return (model, outcome, firstChunk, context) => {
    // If a cache answered, or nothing was sent, there is no inference to measure.
    if (outcome.attempts === 0 && !(outcome.facts && isBilled(outcome.facts.origin))) return
    const answered = outcome.message?.model
    const error = errorType(outcome.exit)
    const key = `${model} ${answered} ${error}`
    const instruments = made.get(key) ?? instrumentsOf(attributesOf(provider, model, answered), error)
    made.set(key, instruments)

    instruments.duration.updateUnsafe(Duration.toSeconds(outcome.duration), context)
    if (firstChunk !== undefined) instruments.firstChunk.updateUnsafe(firstChunk, context)
    if (outcome.cost !== undefined) instruments.cost.updateUnsafe(BigDecimal.toNumberUnsafe(outcome.cost), context)

    // A failed call without usage counts as zero tokens, as the conventions require. The usage of an interrupted call
    // is unknown, so it is not counted.
    const usage = usageOf(outcome) ?? (error === undefined ? undefined : Usage.zero)
    if (usage === undefined) return
    const input = Usage.totalInput(usage)
    instruments.inputTokens.updateUnsafe(input, context)
    instruments.outputTokens.updateUnsafe(usage.output, context)
    instruments.input.updateUnsafe(input, context)
    instruments.output.updateUnsafe(usage.output, context)
    instruments.cacheRead.updateUnsafe(usage.cacheRead, context)
    instruments.cacheWrite.updateUnsafe(usage.cacheWrite5m + usage.cacheWrite1h, context)
    instruments.reasoning.updateUnsafe(outcome.message?.usage.output_tokens_details?.thinking_tokens ?? 0, context)
  }
}

const attributesOf = (provider: Attributes, model: string, answered: string | undefined) => ({
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": String(provider["gen_ai.provider.name"]),
  "gen_ai.request.model": model,
  ...(answered !== undefined && { "gen_ai.response.model": answered })
})

const instrumentsOf = (attributes: Record<string, string>, error: string | undefined) => {
  const { duration, inputTokens, outputTokens, ...others } = metrics
  const withError = Metric.withAttributes({ ...attributes, ...(error !== undefined && { "error.type": error }) })
  return {
    duration: withError(duration),
    inputTokens: withError(inputTokens),
    outputTokens: withError(outputTokens),
    ...Record.map(others, Metric.withAttributes(attributes))
  }
}
