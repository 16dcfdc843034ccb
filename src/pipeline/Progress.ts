/**
 * How far a job is: a fold over `Event`s, and its picture as text. Pure; what draws it is in `run`.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Duration from "effect/Duration"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Event from "../claude/Event.ts"
import * as Cost from "../claude/Cost.ts"
import { isEmulated } from "../claude/Reply.ts"
import * as Usage from "../claude/Usage.ts"

/** The counts so far. Tokens and cost are those of this run, also of answers that were of no use. */
export interface Progress {
  readonly total: number | undefined
  readonly succeeded: number
  readonly failed: number
  readonly skipped: number
  readonly inFlight: number
  /** The attempts whose bill is unknown, by number: they are in flight, or were interrupted. */
  readonly unsettled: HashMap.HashMap<number, "in flight" | "interrupted">
  readonly calls: number
  readonly retries: number
  /** Why the last one was: the reason of the failure, with its code where it has one. */
  readonly lastRetry: string | undefined
  readonly inputTokens: number
  readonly outputTokens: number
  /** US dollars, of the calls whose price is known. */
  readonly cost: BigDecimal.BigDecimal
  readonly unpricedCalls: number
  /** Tokens that were read from the prompt cache, and written to it; they are input tokens too. */
  readonly cacheReadTokens: number
  readonly cacheWrittenTokens: number
  /** US dollars, of the calls whose price is known. Negative where writing cost more than reading saved. */
  readonly cacheSaved: BigDecimal.BigDecimal
  /** Calls that the response cache answered, and what they would have cost in US dollars. */
  readonly hits: number
  readonly hitsSaved: BigDecimal.BigDecimal
  readonly unpricedHits: number
  /** How often its store failed. */
  readonly cacheFailures: number
  /** Whether the emulator answered, and not Claude. */
  readonly emulated: boolean
}

/** Nothing yet. */
export const empty: Progress = {
  total: undefined,
  succeeded: 0,
  failed: 0,
  skipped: 0,
  inFlight: 0,
  unsettled: HashMap.empty(),
  calls: 0,
  retries: 0,
  lastRetry: undefined,
  inputTokens: 0,
  outputTokens: 0,
  cost: BigDecimal.fromStringUnsafe("0"),
  unpricedCalls: 0,
  cacheReadTokens: 0,
  cacheWrittenTokens: 0,
  cacheSaved: BigDecimal.fromStringUnsafe("0"),
  hits: 0,
  hitsSaved: BigDecimal.fromStringUnsafe("0"),
  unpricedHits: 0,
  cacheFailures: 0,
  emulated: false
}

/** The counts after one more event. */
export const update = (progress: Progress, event: Event.Event): Progress => {
  switch (event._tag) {
    case "rows-counted":
      return { ...progress, total: event.total }
    case "row-skipped":
      return { ...progress, skipped: progress.skipped + 1 }
    case "row-finished":
      return event.succeeded
        ? { ...progress, succeeded: progress.succeeded + 1 }
        : { ...progress, failed: progress.failed + 1 }
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
      return { ...settled(progress, event, event.usage), emulated }
    }
    case "call-hit": {
      const { hits, hitsSaved, unpricedHits } = progress
      return {
        ...progress,
        hits: hits + 1,
        hitsSaved: event.saved === undefined ? hitsSaved : BigDecimal.sum(hitsSaved, event.saved),
        unpricedHits: unpricedHits + (event.saved === undefined ? 1 : 0),
        emulated: progress.emulated || isEmulated(event.requestId)
      }
    }
    case "cache-failed":
      return { ...progress, cacheFailures: progress.cacheFailures + 1 }
    default:
      return progress
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

/** One line: rows, rate, calls in flight, retries and why, tokens, cost so far, time left. */
export const line = (progress: Progress, elapsed: Duration.Duration): string => {
  const { failed, inFlight, lastRetry, retries, succeeded, total } = progress
  const seconds = Duration.toSeconds(elapsed)
  const done = progress.skipped + succeeded + failed
  const rate = seconds > 0 ? (succeeded + failed) / seconds : 0
  return [
    `${done}${total === undefined ? "" : `/${total}`} rows`,
    `${rate.toFixed(1)}/s`,
    `${inFlight} in flight`,
    lastRetry !== undefined && `${counted(retries, "retry", "retries")}, last ${lastRetry}`,
    failed > 0 && `${failed} failed`,
    `${tokens(progress.inputTokens)} tokens in, ${tokens(progress.outputTokens)} out`,
    cost(progress),
    total !== undefined && rate > 0 && `${clock((total - done) / rate)} left`
  ]
    .filter((part) => part !== false)
    .join(" · ")
}

/** A bar of `width` columns, as full as the job is far. */
export const bar = ({ failed, skipped, succeeded, total }: Progress, width: number): string => {
  const full = total ? Math.min(width, Math.floor((width * (succeeded + failed + skipped)) / total)) : 0
  return "━".repeat(full) + "─".repeat(width - full)
}

/** What the run cost so far; says where calls have no known price. */
export const cost = ({ cost, unpricedCalls }: Progress): string => {
  if (unpricedCalls === 0) return Cost.format(cost)
  return BigDecimal.isZero(cost)
    ? Cost.format(undefined)
    : `${Cost.format(cost)} and ${counted(unpricedCalls, "call", "calls")} with no known price`
}

/** What the prompt cache did and whether it paid; `false` where nothing was written to it or read from it. */
export const promptCache = ({ cacheReadTokens, cacheSaved, cacheWrittenTokens }: Progress): string | false => {
  if (cacheReadTokens + cacheWrittenTokens === 0) return false
  const did = `prompt cache: ${tokens(cacheReadTokens)} tokens read, ${tokens(cacheWrittenTokens)} written`
  if (BigDecimal.isZero(cacheSaved)) return did
  const money = Cost.format(BigDecimal.abs(cacheSaved))
  return BigDecimal.isNegative(cacheSaved) ? `${did}: cost ${money} more than without it` : `${did}: saved ${money}`
}

/** What the response cache saved, and how often it failed; `false` where there was neither. */
export const responseCache = (progress: Progress): string | false => {
  const { cacheFailures, hits, hitsSaved, unpricedHits } = progress
  if (hits + cacheFailures === 0) return false
  const saved = cost({ ...progress, cost: hitsSaved, unpricedCalls: unpricedHits })
  const did = `response cache: ${counted(hits, "answer", "answers")}, saved ${saved}`
  return cacheFailures === 0 ? did : `${did}; its store failed ${counted(cacheFailures, "time", "times")}`
}

/** A count with its noun: `1 call`, `2 calls`. */
export const counted = (count: number, one: string, more: string): string => `${count} ${count === 1 ? one : more}`

/** A count in the usual short form: 950, 12.3k, 4.5M. */
export const tokens = (count: number): string => {
  if (count < 1000) return String(count)
  return count < 1e6 ? `${(count / 1e3).toFixed(1)}k` : `${(count / 1e6).toFixed(1)}M`
}

const clock = (seconds: number): string => {
  const whole = Math.ceil(seconds)
  const minutes = String(Math.floor(whole / 60) % 60)
  const rest = String(whole % 60).padStart(2, "0")
  return whole < 3600 ? `${minutes}:${rest}` : `${Math.floor(whole / 3600)}:${minutes.padStart(2, "0")}:${rest}`
}
