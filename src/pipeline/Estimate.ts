/**
 * Estimates a run: calls, tokens, money and time, scaled from a sample of its rows, each as a range. All of it is
 * pure; `Confirm` takes the sample. Money is a number here, because it is an estimate: bills are exact decimals.
 */
import * as Iterations from "../claude/Iterations.ts"
import * as Models from "../claude/Models.ts"
import type { Request } from "../claude/Request.ts"
import type { ServiceTier } from "../claude/ServiceTier.ts"
import * as Learnt from "./estimate/Learnt.ts"
import * as Pricing from "./estimate/Pricing.ts"
import * as Scale from "./estimate/Scale.ts"

export type { Call } from "./estimate/Pricing.ts"
export type { Range } from "./estimate/Scale.ts"
export { assumedLatency, assumedText } from "./estimate/Learnt.ts"

/** For each group of models; undefined where it is not known. */
export interface Limits {
  readonly requestsPerMinute?: number | undefined
  readonly inputTokensPerMinute?: number | undefined
  readonly outputTokensPerMinute?: number | undefined
}

/** What is known before the run. */
export interface Observed {
  /** The rows to run, and the sum of their sizes. */
  readonly rows: number
  readonly size: number
  /** The rows of the sample, with the calls that must be paid for. */
  readonly sample: ReadonlyArray<{ readonly size: number; readonly calls: ReadonlyArray<Pricing.Call> }>
  readonly answered: ReadonlyArray<Learnt.Answered>
  readonly counted: ReadonlyArray<Learnt.Counted>
  readonly timed: ReadonlyArray<Learnt.Timed>
  /** Adds the breakpoints of the prompt cache to a request. */
  readonly place: (request: Request) => Request
  /** Those that the user states, for each group of models. */
  readonly limits: Limits
  /** Those that the API reported to earlier runs, by group of models. Of two limits, the lower one counts. */
  readonly learntLimits: Readonly<Record<string, Limits>>
  readonly concurrency: number
  readonly at: Date
}

/** US dollars, direct and in Message Batches; undefined if a model has no known price. */
export interface Costs {
  readonly direct: Scale.Range | undefined
  readonly batches: Scale.Range | undefined
}

/** Where amounts come from: replies of this job, or assumptions. */
export type Basis = "measured" | "assumed" | "both"

/** The calls of one step, expected. `cost` is in US dollars, direct and without the prompt cache. */
export interface Step {
  readonly path: string
  readonly models: ReadonlyArray<string>
  readonly calls: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cost: number | undefined
}

/** In seconds. */
export interface Time {
  /** At the rate limits; undefined if none is known. */
  readonly atLimits: number | undefined
  /** At this many calls in flight at once. */
  readonly atConcurrency: number
  readonly concurrency: number
  /** How it is known how long an answer takes. */
  readonly latencyBasis: Basis
}

/** The estimate of a run. */
export interface Estimate {
  readonly rows: number
  readonly sampled: number
  readonly calls: Scale.Range
  readonly inputTokens: Scale.Range
  readonly outputTokens: Scale.Range
  readonly inputBasis: Basis
  readonly outputBasis: Basis
  readonly cost: Costs
  /** The cost with the breakpoints of the prompt cache. */
  readonly cachedCost: Costs
  /** Tokens that all calls together read from the prompt cache then. */
  readonly cacheReadTokens: number
  /** US dollars for direct calls whose answers all have `max_tokens`. */
  readonly most: number | undefined
  /** Models without a known price. */
  readonly unpriced: ReadonlyArray<string>
  readonly steps: ReadonlyArray<Step>
  readonly time: Time
  /** Whether the API may read a prompt several times within one call, which is not counted. */
  readonly mayIterate: boolean
}

/** Estimates a run. */
export const of = (observed: Observed): Estimate => {
  const { at, place, rows, sample } = observed
  const calls = Pricing.priced(
    sample.flatMap(({ calls }) => calls),
    observed.counted,
    observed.answered
  )
  const total = scaled(observed, calls)
  const prices = (place: (request: Request) => Request, serviceTier: ServiceTier) =>
    Pricing.prices(calls, { at, place, serviceTier })
  const asWritten = (request: Request) => request
  const [direct, cached] = [prices(asWritten, "standard"), prices(place, "standard")]
  const unpriced = [...new Set(calls.flatMap((call) => (direct.of(call, 0) === undefined ? [call.request.model] : [])))]
  const cost = (price: Pricing.Prices) => {
    if (unpriced.length > 0) return undefined
    const of = (call: Pricing.Priced, output: number) => price.of(call, output) ?? 0
    const prompt = (call: Pricing.Priced) => of(call, 0)
    const answer = (call: Pricing.Priced) => of(call, call.output.expected) - of(call, 0)
    return ranged(total, prompt, answer, price.once)
  }
  const { margin, total: count } = total(() => 1)
  return {
    rows,
    sampled: sample.length,
    calls: Scale.range(count, [{ down: margin, up: margin }]),
    inputTokens: ranged(total, tokensIn, none),
    outputTokens: ranged(total, none, tokensOut),
    inputBasis: basisOf(calls.map(({ input }) => input)),
    outputBasis: basisOf(calls.map(({ output }) => output)),
    cost: { direct: cost(direct), batches: cost(prices(asWritten, "batch")) },
    cachedCost: { direct: cost(cached), batches: cost(prices(place, "batch")) },
    cacheReadTokens: total((call) => cached.use(call).read).total,
    most:
      unpriced.length > 0
        ? undefined
        : total((call) => direct.of(call, call.request.max_tokens) ?? 0).total + direct.once,
    unpriced,
    steps: stepsOf(calls, total, direct),
    time: timeOf(observed, calls, total),
    mayIterate: calls.some(({ request }) => Iterations.areMany(request))
  }
}

/** The total over all rows of an amount of their calls. */
type TotalOf = (amount: (call: Pricing.Priced) => number) => Scale.Total

const scaled = ({ rows, sample, size }: Observed, calls: ReadonlyArray<Pricing.Priced>): TotalOf => {
  const population = { rows, size, sizes: sample.map(({ size }) => size) }
  let end = 0
  const byRow = sample.map(({ calls: { length } }) => calls.slice(end, (end += length)))
  return (amount) =>
    Scale.total(
      population,
      byRow.map((calls) => Scale.sum(calls.map(amount)))
    )
}

const none = () => 0
const tokensIn = ({ tokens }: Pricing.Priced) => tokens
const tokensOut = ({ output }: Pricing.Priced) => output.expected

/** A range with three sources of error: the sample, the tokens of prompts, and the tokens of answers. */
const ranged = (
  total: TotalOf,
  prompt: (call: Pricing.Priced) => number,
  answer: (call: Pricing.Priced) => number,
  once = 0
): Scale.Range => {
  const all = total((call) => prompt(call) + answer(call))
  const sum = (amount: (call: Pricing.Priced) => number) => total(amount).total
  return Scale.range(all.total + once, [
    { down: all.margin, up: all.margin },
    {
      down: sum((call) => prompt(call) * (1 - call.input.low)),
      up: sum((call) => prompt(call) * (call.input.high - 1))
    },
    {
      down: sum((call) => answer(call) * (1 - call.output.low)),
      up: sum((call) => answer(call) * (call.output.high - 1))
    }
  ])
}

const basisOf = (expected: ReadonlyArray<Pick<Learnt.Expected, "basis">>): Basis => {
  const bases = new Set(expected.map(({ basis }) => basis))
  return bases.size > 1 ? "both" : bases.has("measured") ? "measured" : "assumed"
}

const stepsOf = (calls: ReadonlyArray<Pricing.Priced>, total: TotalOf, prices: Pricing.Prices): ReadonlyArray<Step> =>
  Array.from(
    Map.groupBy(calls, ({ path }) => path),
    ([path, own]) => {
      const models = [...new Set(own.map(({ request }) => request.model))]
      const costs = new Map(own.map((call) => [call, prices.of(call, call.output.expected)]))
      const sum = (amount: (call: Pricing.Priced) => number) =>
        total((call) => (call.path === path ? amount(call) : 0)).total
      return {
        path,
        models,
        calls: sum(() => 1),
        inputTokens: sum(tokensIn),
        outputTokens: sum(tokensOut),
        cost: [...costs.values()].includes(undefined) ? undefined : sum((call) => costs.get(call) ?? 0)
      }
    }
  )

const timeOf = (
  { concurrency, learntLimits, limits, timed }: Observed,
  calls: ReadonlyArray<Pricing.Priced>,
  total: TotalOf
): Time => {
  const groups = new Set(calls.map(({ request }) => Models.limitGroup(request.model)))
  const minutes = Array.from(groups).flatMap((group) => {
    const sum = (amount: (call: Pricing.Priced) => number) =>
      total((call) => (Models.limitGroup(call.request.model) === group ? amount(call) : 0)).total
    const learnt = learntLimits[group] ?? {}
    const limitOf = (kind: keyof Limits) => lower(limits[kind], learnt[kind])
    return [
      [sum(() => 1), limitOf("requestsPerMinute")] as const,
      [sum(tokensIn), limitOf("inputTokensPerMinute")] as const,
      [sum(tokensOut), limitOf("outputTokensPerMinute")] as const
    ].flatMap(([amount, limit]) => (limit === undefined ? [] : [amount / limit]))
  })
  const secondsOf = Learnt.secondsOf(timed)
  const latencies = new Map(calls.map((call) => [call, secondsOf(call.path, call.output.expected)]))
  const seconds = total((call) => latencies.get(call)?.seconds ?? 0).total
  return {
    atLimits: minutes.length === 0 ? undefined : 60 * Math.max(...minutes),
    atConcurrency: seconds / Math.max(1, Math.min(concurrency, total(() => 1).total)),
    concurrency,
    latencyBasis: basisOf([...latencies.values()])
  }
}

const lower = (one: number | undefined, other: number | undefined) =>
  one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)
