/**
 * What a call is expected to use of the limits, learnt from the calls of the same model and step before it. Recent calls
 * count more. Before the first answer, the input is estimated from its length, and the output as a share of `max_tokens`.
 */
import type { CallSite } from "../../claude/CallSite.ts"
import type { Request } from "../../claude/Request.ts"
import * as TokenEstimate from "../../claude/TokenEstimate.ts"
import type { Amounts } from "./Buckets.ts"

/** The estimate of one call. */
export interface Expected {
  /**
   * What the call is expected to use, by all that is known now. Where input is not scarce, the mean of the step will do,
   * because reading the prompt takes time.
   */
  readonly amounts: (isInputScarce: boolean) => Amounts
  /** Learns what the call used. */
  readonly observe: (used: Amounts) => void
}

/** Estimates a call by its model and step. */
export type Estimate = (request: Request, site: CallSite) => Expected

/** Sums over the calls of a step, in which older calls fade. */
interface Learnt {
  readonly calls: number
  readonly input: number
  readonly output: number
  /** Of the calls whose prompt was read. */
  readonly estimatedInput: number
  readonly actualInput: number
}

const none: Learnt = { calls: 0, input: 0, output: 0, estimatedInput: 0, actualInput: 0 }

/** What is left of a call in the sums, for each later call. */
const fading = 0.97

/** Few answers use `max_tokens`; most of the limit would lie idle if each call reserved all of it. */
const shareOfMaxTokens = 0.25

/** Nothing is learnt yet. */
export const make = (): Estimate => {
  const steps = new Map<string, Learnt>()
  return (request, { path }) => {
    const key = path.length === 0 ? request.model : `${request.model}\n${path.join("\n")}`
    let estimated: number | undefined
    return {
      amounts: (isInputScarce) => {
        const learnt = steps.get(key)
        if (learnt === undefined || isInputScarce) estimated ??= TokenEstimate.of(request)
        return { requests: 1, inputTokens: inputOf(estimated, learnt), outputTokens: outputOf(request, learnt) }
      },
      observe: (used) => steps.set(key, update(steps.get(key) ?? none, estimated, used))
    }
  }
}

const inputOf = (estimated: number | undefined, learnt: Learnt = none): number => {
  if (estimated === undefined) return learnt.input / learnt.calls
  return learnt.estimatedInput === 0 ? estimated : (estimated * learnt.actualInput) / learnt.estimatedInput
}

const outputOf = ({ max_tokens }: Request, learnt: Learnt | undefined): number =>
  learnt === undefined ? max_tokens * shareOfMaxTokens : Math.min(max_tokens, learnt.output / learnt.calls)

const update = (learnt: Learnt, estimated: number | undefined, { inputTokens, outputTokens }: Amounts): Learnt => ({
  calls: learnt.calls * fading + 1,
  input: learnt.input * fading + inputTokens,
  output: learnt.output * fading + outputTokens,
  estimatedInput: learnt.estimatedInput * fading + (estimated ?? 0),
  actualInput: learnt.actualInput * fading + (estimated === undefined ? 0 : inputTokens)
})
