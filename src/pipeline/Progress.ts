/**
 * How far a job is: the counts of its run, as a fold over `Event`s and over time, and their rendering as text. All of it is
 * pure; the command line draws it.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Duration from "effect/Duration"
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Option from "effect/Option"
import type * as Event from "../claude/Event.ts"
import * as Cost from "../claude/Cost.ts"
import { isEmulated } from "../claude/Reply.ts"
import * as Usage from "../claude/Usage.ts"
import * as Pace from "./progress/Pace.ts"

export { binds, costLines, line, rowsLine } from "./progress/Line.ts"
export {
  age,
  bar,
  batchLines,
  batches,
  cost,
  counted,
  fallbacks,
  hedges,
  invalidOutputs,
  promptCache,
  replays,
  responseCache,
  tokens
} from "./progress/Text.ts"

/** A Message Batch in progress. */
interface Batch {
  readonly requests: number
  /** When it was sent, in milliseconds since 1970. */
  readonly since: number
  /** The API's word, such as `in_progress`. */
  readonly state: string
}

/** The counts so far. Tokens and cost are those of this run, unusable answers included. */
export interface Progress {
  /** Undefined until the rows are counted. */
  readonly total: number | undefined
  readonly pace: Pace.Pace
  readonly succeeded: number
  readonly failed: number
  readonly skipped: number
  readonly inFlight: number
  /** The attempts whose bill is unknown, by number: they are in flight, or were interrupted. */
  readonly unsettled: HashMap.HashMap<number, "in flight" | "interrupted">
  readonly calls: number
  readonly retries: number
  /** What calls wait for, by group of models; see `Event.LimitBinds`. */
  readonly binding: HashMap.HashMap<string, Event.LimitBinds>
  /** The budgets whose money calls wait for: a `share`, or "" for the whole budget. */
  readonly withoutMoney: HashSet.HashSet<string>
  /** The calls that may be in flight at once; undefined until the run begins. */
  readonly allowed: number | undefined
  /** Whether no row starts, because the user paused the run. */
  readonly paused: boolean
  /** The latest failures of rows, the last one first; see `Event.RowFinished`. */
  readonly failures: ReadonlyArray<string>
  /** The reason of the failure before the last retry, with its code. */
  readonly lastRetry: string | undefined
  /** Calls that asked a fallback, each time one did; and the last of them: `claude-opus-5-5 → claude-sonnet-5-5`. */
  readonly fallbacks: number
  readonly lastFallback: string | undefined
  /** Requests that were sent a second time, because their answer was late. */
  readonly hedges: number
  /** Answers that `generateObject` repaired without a call, and those that it asked for once more. */
  readonly repaired: number
  readonly reasked: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** US dollars, for the calls with a known price. */
  readonly cost: BigDecimal.BigDecimal
  readonly unpricedCalls: number
  /** Tokens read from the prompt cache and written to it. They are input tokens too. */
  readonly cacheReadTokens: number
  readonly cacheWrittenTokens: number
  /** US dollars, for the calls with a known price. Negative if writing cost more than reading saved. */
  readonly cacheSaved: BigDecimal.BigDecimal
  /** Calls that the response cache answered, and their price without it in US dollars. */
  readonly hits: number
  readonly hitsSaved: BigDecimal.BigDecimal
  readonly unpricedHits: number
  /** Calls that earlier runs of the job paid for, and the price of their replies in US dollars. */
  readonly replays: number
  readonly replaysSaved: BigDecimal.BigDecimal
  readonly unpricedReplays: number
  /** Message Batches in progress, by id, the oldest first. */
  readonly batches: HashMap.HashMap<string, Batch>
  readonly batchesEnded: number
  /** Batches that the API did not find any more, so that their calls were sent again. */
  readonly batchesLost: number
  /** US dollars that direct calls would have cost more than the batches did. */
  readonly batchesSaved: BigDecimal.BigDecimal
  /** How often the store of the response cache failed. */
  readonly cacheFailures: number
  /** Whether an emulator answered in place of Claude. */
  readonly emulated: boolean
}

const zero = BigDecimal.fromBigInt(0n)

/** The start of a run. */
export const empty: Progress = {
  total: undefined,
  pace: Pace.start,
  succeeded: 0,
  failed: 0,
  skipped: 0,
  inFlight: 0,
  unsettled: HashMap.empty(),
  calls: 0,
  retries: 0,
  binding: HashMap.empty(),
  withoutMoney: HashSet.empty(),
  allowed: undefined,
  paused: false,
  failures: [],
  lastRetry: undefined,
  fallbacks: 0,
  lastFallback: undefined,
  hedges: 0,
  repaired: 0,
  reasked: 0,
  inputTokens: 0,
  outputTokens: 0,
  cost: zero,
  unpricedCalls: 0,
  cacheReadTokens: 0,
  cacheWrittenTokens: 0,
  cacheSaved: zero,
  hits: 0,
  hitsSaved: zero,
  unpricedHits: 0,
  replays: 0,
  replaysSaved: zero,
  unpricedReplays: 0,
  batches: HashMap.empty(),
  batchesEnded: 0,
  batchesLost: 0,
  batchesSaved: zero,
  cacheFailures: 0,
  emulated: false
}

/** The counts after one more event. */
export const update = (progress: Progress, event: Event.Event): Progress => {
  switch (event._tag) {
    case "rows-counted":
      return { ...progress, total: event.total, skipped: event.done }
    case "row-finished":
      return event.succeeded
        ? { ...progress, succeeded: progress.succeeded + 1 }
        : { ...progress, failed: progress.failed + 1, failures: withFailure(progress.failures, event.failure) }
    case "run-paced":
      return { ...progress, allowed: event.calls, paused: event.paused }
    case "call-sent":
      return {
        ...progress,
        calls: progress.calls + 1,
        inFlight: progress.inFlight + 1,
        unsettled: HashMap.set(progress.unsettled, event.attempt, "in flight")
      }
    case "call-retried": {
      const { _tag, code } = event.error.reason
      return { ...progress, retries: progress.retries + 1, lastRetry: code === undefined ? _tag : `${_tag} [${code}]` }
    }
    case "call-fell-back":
      return { ...progress, fallbacks: progress.fallbacks + 1, lastFallback: `${event.model} → ${event.to}` }
    case "call-hedged":
      return { ...progress, hedges: progress.hedges + 1 }
    case "output-repaired":
      return { ...progress, repaired: progress.repaired + 1 }
    case "output-reasked":
      return { ...progress, reasked: progress.reasked + 1 }
    case "call-interrupted":
      return isInFlight(progress, event)
        ? {
            ...progress,
            inFlight: progress.inFlight - 1,
            unsettled: HashMap.set(progress.unsettled, event.attempt, "interrupted")
          }
        : progress
    case "call-failed":
      return settled(progress, event, event.error.reason.usage)
    case "call-finished": {
      const emulated = progress.emulated || isEmulated(event.requestId)
      const batchesSaved = BigDecimal.sum(progress.batchesSaved, Cost.batchSaved(event))
      return { ...settled(progress, event, event.usage), emulated, batchesSaved }
    }
    case "call-hit":
      return { ...hit(progress, event), emulated: progress.emulated || isEmulated(event.requestId) }
    case "batch-sent": {
      const { requests, since } = event
      return { ...progress, batches: HashMap.set(progress.batches, event.batch, { requests, since, state: "sent" }) }
    }
    case "batch-polled":
      return {
        ...progress,
        batches: HashMap.modify(progress.batches, event.batch, (batch) => ({ ...batch, state: event.state }))
      }
    case "batch-ended": {
      const { batchesEnded } = progress
      return { ...progress, batches: HashMap.remove(progress.batches, event.batch), batchesEnded: batchesEnded + 1 }
    }
    case "batch-lost":
      return {
        ...progress,
        batches: HashMap.remove(progress.batches, event.batch),
        batchesLost: progress.batchesLost + 1
      }
    case "limit-binds":
      return {
        ...progress,
        binding:
          event.binds === undefined
            ? HashMap.remove(progress.binding, event.group)
            : HashMap.set(progress.binding, event.group, event)
      }
    case "budget-binds": {
      const change = event.binds ? HashSet.add : HashSet.remove
      return { ...progress, withoutMoney: change(progress.withoutMoney, event.share ?? "") }
    }
    case "cache-failed":
      return { ...progress, cacheFailures: progress.cacheFailures + 1 }
    default:
      return progress
  }
}

/** The failures that a display has room for. */
const maxFailures = 5

const withFailure = (failures: ReadonlyArray<string>, failure: string | undefined) =>
  failure === undefined ? failures : [failure, ...failures].slice(0, maxFailures)

/** The progress of a run that has ended: nothing waits any more, even if the event for it is missing. */
export const ended = (progress: Progress): Progress => {
  const { allowed, binding, failures, paused, withoutMoney } = empty
  return { ...progress, allowed, binding, failures, paused, withoutMoney }
}

/** A reply of an earlier run, or an answer of the response cache. */
const hit = (progress: Progress, { reply, saved }: Event.CallHit): Progress => {
  const unpriced = saved === undefined ? 1 : 0
  const price = saved ?? zero
  return reply.origin === "journal"
    ? {
        ...progress,
        replays: progress.replays + 1,
        replaysSaved: BigDecimal.sum(progress.replaysSaved, price),
        unpricedReplays: progress.unpricedReplays + unpriced
      }
    : {
        ...progress,
        hits: progress.hits + 1,
        hitsSaved: BigDecimal.sum(progress.hitsSaved, price),
        unpricedHits: progress.unpricedHits + unpriced
      }
}

const isInFlight = ({ unsettled }: Progress, { attempt }: Event.OfAttempt): boolean =>
  Option.getOrUndefined(HashMap.get(unsettled, attempt)) === "in flight"

/** Bills each attempt once. A second end is ignored, unless the first was an interruption, whose bill was unknown. */
const settled = (
  progress: Progress,
  event: Event.CallFinished | Event.CallFailed,
  usage: Usage.Usage | undefined
): Progress => {
  if (!HashMap.has(progress.unsettled, event.attempt)) return progress
  return {
    ...(usage === undefined ? progress : billed(progress, usage, event)),
    inFlight: progress.inFlight - (isInFlight(progress, event) ? 1 : 0),
    unsettled: HashMap.remove(progress.unsettled, event.attempt)
  }
}

const billed = (
  progress: Progress,
  usage: Usage.Usage,
  { cost, saved }: Event.CallFinished | Event.CallFailed
): Progress => ({
  ...progress,
  inputTokens: progress.inputTokens + Usage.totalInput(usage),
  outputTokens: progress.outputTokens + usage.output,
  cost: cost === undefined ? progress.cost : BigDecimal.sum(progress.cost, cost),
  unpricedCalls: progress.unpricedCalls + (cost === undefined ? 1 : 0),
  cacheReadTokens: progress.cacheReadTokens + usage.cacheRead,
  cacheWrittenTokens: progress.cacheWrittenTokens + usage.cacheWrite5m + usage.cacheWrite1h,
  cacheSaved: saved === undefined ? progress.cacheSaved : BigDecimal.sum(progress.cacheSaved, saved)
})

/** The progress after `elapsed` time since the start of the run. Call it before each `line`, which shows the rate. */
export const tick = (progress: Progress, elapsed: Duration.Duration): Progress => {
  const now = Duration.toSeconds(elapsed)
  const rows = progress.succeeded + progress.failed
  // No row can finish while the rows are being counted.
  const pace = progress.total === undefined ? Pace.from(now, rows) : Pace.next(progress.pace, now, rows)
  return { ...progress, pace }
}
