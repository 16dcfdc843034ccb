/**
 * Learns from stored replies about the calls of a step: how long the answers are, and how far the estimate of the prompt is
 * off. Where there are none, the assumptions are here too. Pure.
 */
import type { Request } from "../../claude/Request.ts"
import * as Scale from "./Scale.ts"

/** A reply that was paid for: the step of its call, and the tokens of its answer. */
export interface Answered {
  readonly path: string
  readonly output: number
}

/** A prompt whose tokens the API has counted or billed, and our estimate of them. */
export interface Counted {
  readonly path: string
  readonly estimated: number
  readonly tokens: number
}

/** An answer that came directly, and how long it took. */
export interface Timed {
  readonly path: string
  readonly seconds: number
}

/** An expected amount, with bounds as shares of it, and how it is known. */
export interface Expected {
  readonly expected: number
  readonly low: number
  readonly high: number
  readonly basis: "measured" | "assumed"
}

/** Fewer values say too little. */
const least = 3

/** "The actual number of input tokens may differ by a small amount" from a count (Anthropic, "Token counting", 2026). */
const leastMargin = 0.01

/** The factor from estimated to real tokens of a prompt, by step. */
export const inputOf = (counted: ReadonlyArray<Counted>) => {
  const steps = Map.groupBy(counted, ({ path }) => path)
  return (path: string): Expected => {
    const values = steps.get(path) ?? []
    if (values.length < least) return unmeasured
    const ratio = Scale.sum(values.map(({ tokens }) => tokens)) / Scale.sum(values.map(({ estimated }) => estimated))
    const ratios = values.map(({ estimated, tokens }) => tokens / estimated)
    const margin = Math.min(1, Math.max(leastMargin, Scale.marginOfMean(ratios, ratio)))
    return { expected: ratio, low: 1 - margin, high: 1 + margin, basis: "measured" }
  }
}

/** The 5th and 95th percentile of the errors that `TokenEstimate.of` documents, the other way round. */
const unmeasured: Expected = { expected: 1, low: 1 / 1.16, high: 1 / 0.67, basis: "assumed" }

/** The expected tokens of an answer, by step. `standIn` is the length of the answer that a fake gave, if it gave one. */
export const outputOf = (answered: ReadonlyArray<Answered>) => {
  const steps = Map.groupBy(answered, ({ path }) => path)
  return (path: string, request: Request, standIn: number | undefined): Expected => {
    const values = (steps.get(path) ?? []).map(({ output }) => output)
    if (values.length < least) return assumed(request, standIn)
    const mean = Scale.sum(values) / values.length
    const margin = Math.min(1, Scale.marginOfMean(values, mean))
    const expected = Math.min(mean, request.max_tokens)
    return { expected, low: 1 - margin, high: 1 + margin, basis: "measured" }
  }
}

/** The length of a text that nothing is known about: a quarter of `max_tokens`, but not more than this. */
export const assumedText = 500

const assumed = (request: Request, standIn: number | undefined): Expected => {
  const { max_tokens: most, output_config, output_format, thinking } = request
  const upTo = (expected: number, low: number, high: number): Expected => ({
    expected,
    low,
    high: Math.min(most, high) / expected,
    basis: "assumed"
  })
  // Thinking is output too, and can use all of it.
  if (thinking !== undefined && thinking.type !== "disabled") return upTo(most / 4, 0, most)
  const format = output_config?.format ?? output_format
  if (standIn !== undefined && format !== undefined && format !== null) {
    const length = Math.min(most, Math.max(1, standIn))
    return upTo(length, 0.5, 4 * length)
  }
  const text = Math.min(most / 4, assumedText)
  return upTo(text, 0, 4 * text)
}

/** Assumed for an answer: the seconds to its first token, and the tokens that follow in a second. */
export const assumedLatency = { firstToken: 2, tokensPerSecond: 60 }

/** How long an answer takes, by step. `tokens` are the tokens of the answer. */
export const secondsOf = (timed: ReadonlyArray<Timed>) => {
  const steps = Map.groupBy(timed, ({ path }) => path)
  return (path: string, tokens: number): { readonly seconds: number; readonly basis: Expected["basis"] } => {
    const values = (steps.get(path) ?? []).map(({ seconds }) => seconds)
    if (values.length >= least) return { seconds: Scale.sum(values) / values.length, basis: "measured" }
    return { seconds: assumedLatency.firstToken + tokens / assumedLatency.tokensPerSecond, basis: "assumed" }
  }
}
