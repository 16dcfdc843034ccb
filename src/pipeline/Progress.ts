/**
 * How far a job is: a fold over `Event`s and over time, and its rendering as text. All of it is pure; `run` draws it.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Duration from "effect/Duration"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Event from "../claude/Event.ts"
import * as Cost from "../claude/Cost.ts"
import { isEmulated } from "../claude/Reply.ts"
import * as Usage from "../claude/Usage.ts"

/** How fast rows finish. `tick` keeps it. Times are seconds since the start of the run. */
interface Pace {
  /** When rows could begin to finish. */
  readonly since: number
  readonly at: number
  /** Rows that had finished at the last tick. */
  readonly rows: number
  /** Rows per second, exponentially weighted, starting from 0. */
  readonly weighted: number
}

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
  readonly pace: Pace
  readonly succeeded: number
  readonly failed: number
  readonly skipped: number
  readonly inFlight: number
  /** The attempts whose bill is unknown, by number: they are in flight, or were interrupted. */
  readonly unsettled: HashMap.HashMap<number, "in flight" | "interrupted">
  readonly calls: number
  readonly retries: number
  /** The reason of the failure before the last retry, with its code. */
  readonly lastRetry: string | undefined
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

/** The start of a run. */
export const empty: Progress = {
  total: undefined,
  pace: { since: 0, at: 0, rows: 0, weighted: 0 },
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
  replays: 0,
  replaysSaved: BigDecimal.fromStringUnsafe("0"),
  unpricedReplays: 0,
  batches: HashMap.empty(),
  batchesEnded: 0,
  batchesLost: 0,
  batchesSaved: BigDecimal.fromStringUnsafe("0"),
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
    case "cache-failed":
      return { ...progress, cacheFailures: progress.cacheFailures + 1 }
    default:
      return progress
  }
}

/** A reply of an earlier run, or an answer of the response cache. */
const hit = (progress: Progress, { reply, saved }: Event.CallHit): Progress => {
  const unpriced = saved === undefined ? 1 : 0
  const price = saved ?? BigDecimal.fromBigInt(0n)
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

/**
 * The progress after `elapsed` time since the start of the run. Call it before each `line`: the rate and the time left
 * follow the last half minute, or the last 20 rows of a slow job.
 */
export const tick = (progress: Progress, elapsed: Duration.Duration): Progress => {
  const now = Duration.toSeconds(elapsed)
  const rows = progress.succeeded + progress.failed
  // No row can finish while the rows are being counted.
  if (progress.total === undefined) return { ...progress, pace: { since: now, at: now, rows, weighted: 0 } }
  const { at, since, ...last } = progress.pace
  const step = now - at
  if (step <= 0) return progress
  const weight = 1 - Math.exp(-step / memory(now - since, rows))
  const weighted = last.weighted + weight * ((rows - last.rows) / step - last.weighted)
  return { ...progress, pace: { since, at: now, rows, weighted } }
}

/** The time constant of the average, in seconds. */
const memory = (seconds: number, rows: number) => Math.max(30, (20 * seconds) / Math.max(1, rows))

/** Rows per second. Early in a run the average still contains its start at 0, which the divisor corrects. */
export const rate = ({ pace }: Progress): number => {
  const seconds = pace.at - pace.since
  return seconds > 0 ? pace.weighted / (1 - Math.exp(-seconds / memory(seconds, pace.rows))) : 0
}

/**
 * One line: rows, rate, calls in flight, batches in progress, retries with the last reason, failures, tokens, cost so far,
 * time left. It has at most `columns` characters: the least important parts are left out first.
 */
export const line = (progress: Progress, columns = Infinity): string => {
  const { batches, failed, inFlight, lastRetry, retries, succeeded, total } = progress
  const isBatched = !HashMap.isEmpty(batches)
  const done = progress.skipped + succeeded + failed
  const speed = rate(progress)
  const parts: ReadonlyArray<Part> = [
    { rank: 0, text: `${done}${total === undefined ? "" : `/${total}`} rows` },
    { rank: 5, text: `${speed.toFixed(1)}/s` },
    { rank: 6, text: `${inFlight} in flight` },
    { rank: 4, text: isBatched && `${counted(HashMap.size(batches), "batch", "batches")} in progress` },
    { rank: 4, text: lastRetry !== undefined && `${counted(retries, "retry", "retries")}, last ${lastRetry}` },
    { rank: 2, text: failed > 0 && `${failed} failed` },
    { rank: 7, text: `${tokens(progress.inputTokens)} tokens in, ${tokens(progress.outputTokens)} out` },
    { rank: 3, text: cost(progress) },
    { rank: 1, text: total !== undefined && speed > 0 && `${clock((total - done) / speed)} left` }
  ]
  const upTo = (rank: number) =>
    parts.flatMap((part) => (part.text !== false && part.rank <= rank ? [part.text] : [])).join(" · ")
  const fitting = parts.map((_, index) => upTo(parts.length - 1 - index)).find((text) => text.length <= columns)
  return fitting ?? upTo(0).slice(0, Math.max(0, columns))
}

/** A part of the line. Parts of a higher rank are left out first. */
interface Part {
  readonly rank: number
  readonly text: string | false
}

/** One line for each batch in progress, the oldest first: id, number of requests, state and age. `now` as in `since`. */
export const batchLines = ({ batches }: Progress, now: number): ReadonlyArray<string> =>
  Array.from(batches)
    .toSorted(([id, { since }], [otherId, other]) => since - other.since || (id < otherId ? -1 : 1))
    .map(([id, { requests, since, state }]) =>
      [id, counted(requests, "request", "requests"), state, age(since, now)].join(" · ")
    )

/** The time since then, such as 0:05 or 1:00:00. */
export const age = (since: number, now: number): string => clock(Math.max(0, now - since) / 1000)

/** A bar of `width` columns that fills up as rows finish. */
export const bar = ({ failed, skipped, succeeded, total }: Progress, width: number): string => {
  const full = total ? Math.min(width, Math.floor((width * (succeeded + failed + skipped)) / total)) : 0
  return "━".repeat(full) + "─".repeat(width - full)
}

/** The cost of the run so far, and the number of calls that have no known price. */
export const cost = ({ cost, unpricedCalls }: Pick<Progress, "cost" | "unpricedCalls">): string => {
  if (unpricedCalls === 0) return Cost.format(cost)
  return BigDecimal.isZero(cost)
    ? Cost.format(undefined)
    : `${Cost.format(cost)} and ${counted(unpricedCalls, "call", "calls")} with no known price`
}

/** The tokens and savings of the prompt cache; `false` if it was not used. */
export const promptCache = ({ cacheReadTokens, cacheSaved, cacheWrittenTokens }: Progress): string | false => {
  if (cacheReadTokens + cacheWrittenTokens === 0) return false
  const did = `prompt cache: ${tokens(cacheReadTokens)} tokens read, ${tokens(cacheWrittenTokens)} written`
  if (BigDecimal.isZero(cacheSaved)) return did
  const money = Cost.format(BigDecimal.abs(cacheSaved))
  return BigDecimal.isNegative(cacheSaved) ? `${did}: cost ${money} more than without it` : `${did}: saved ${money}`
}

/** The replies of earlier runs, and what they saved; `false` if there were none. */
export const replays = ({ replays, replaysSaved, unpricedReplays }: Progress): string | false =>
  replays > 0 &&
  `journal: ${counted(replays, "answer", "answers")}, saved ${cost({ cost: replaysSaved, unpricedCalls: unpricedReplays })}`

/** The batches that ended, what they saved, and those that were lost; `false` if there were none. */
export const batches = ({ batchesEnded, batchesLost, batchesSaved }: Progress): string | false => {
  if (batchesEnded + batchesLost === 0) return false
  const ended = `batches: ${counted(batchesEnded, "batch", "batches")} ended`
  const lost = batchesLost === 0 ? "" : `, ${counted(batchesLost, "was", "were")} not found any more and sent again`
  return `${ended}${lost}, saved ${Cost.format(batchesSaved)} against direct calls`
}

/** The hits, savings and failures of the response cache; `false` if it was not used. */
export const responseCache = (progress: Progress): string | false => {
  const { cacheFailures, hits, hitsSaved, unpricedHits } = progress
  if (hits + cacheFailures === 0) return false
  const saved = cost({ cost: hitsSaved, unpricedCalls: unpricedHits })
  const did = `response cache: ${counted(hits, "answer", "answers")}, saved ${saved}`
  return cacheFailures === 0 ? did : `${did}; its store failed ${counted(cacheFailures, "time", "times")}`
}

/** A count with its noun: `1 call`, `2 calls`. */
export const counted = (count: number, one: string, more: string): string => `${count} ${count === 1 ? one : more}`

/** A count in short form: 950, 12.3k, 4.5M. */
export const tokens = (count: number): string => {
  if (count < 1000) return String(count)
  // From here on, thousands would round to 1000.0k.
  return count < 999_950 ? `${(count / 1e3).toFixed(1)}k` : `${(count / 1e6).toFixed(1)}M`
}

const clock = (seconds: number): string => {
  const whole = Math.ceil(seconds)
  const minutes = String(Math.floor(whole / 60) % 60)
  const rest = String(whole % 60).padStart(2, "0")
  return whole < 3600 ? `${minutes}:${rest}` : `${Math.floor(whole / 3600)}:${minutes.padStart(2, "0")}:${rest}`
}
