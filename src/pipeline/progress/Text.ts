/**
 * The progress of a job as text: one line of a live display, lines of batches, and the parts of a report.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as HashMap from "effect/HashMap"
import * as Cost from "../../claude/Cost.ts"
import type { Progress } from "../Progress.ts"
import * as Pace from "./Pace.ts"

/**
 * One line: rows, rate, calls in flight, what they wait for, batches in progress, retries with the last reason, failures,
 * tokens, cost so far, time left. It has at most `columns` characters: the least important parts are left out first.
 */
export const line = (progress: Progress, columns = Infinity): string => {
  const { batches, failed, fallbacks, inFlight, lastRetry, retries, succeeded, total } = progress
  const isBatched = !HashMap.isEmpty(batches)
  const done = progress.skipped + succeeded + failed
  const speed = Pace.rate(progress.pace)
  const parts: ReadonlyArray<Part> = [
    { rank: 0, text: `${done}${total === undefined ? "" : `/${total}`} rows` },
    { rank: 5, text: `${speed.toFixed(1)}/s` },
    { rank: 6, text: `${inFlight} in flight` },
    { rank: 4, text: waiting(progress) },
    { rank: 4, text: isBatched && `${counted(HashMap.size(batches), "batch", "batches")} in progress` },
    { rank: 4, text: lastRetry !== undefined && `${counted(retries, "retry", "retries")}, last ${lastRetry}` },
    { rank: 4, text: fallbacks > 0 && counted(fallbacks, "fallback", "fallbacks") },
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

/** The rate limit that calls wait for; `false` if none waits. */
const waiting = ({ binding }: Progress): string | false => {
  for (const [, { binds, limit }] of binding) {
    if (binds === undefined) continue
    return limit === undefined ? waits[binds] : `${waits[binds]}, ${tokens(limit)} a minute`
  }
  return false
}

const waits = {
  requests: "rate limit: requests",
  inputTokens: "rate limit: input tokens",
  outputTokens: "rate limit: output tokens",
  pause: "waiting after a 429",
  ramp: "waiting for the first answers"
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

/** The calls that asked another model; `false` if there were none. */
export const fallbacks = ({ fallbacks, lastFallback }: Progress): string | false =>
  lastFallback !== undefined && `fallback: ${counted(fallbacks, "time", "times")}, last ${lastFallback}`

/** The requests that were sent twice; `false` if there were none. */
export const hedges = ({ hedges }: Progress): string | false =>
  hedges > 0 && `hedging: ${counted(hedges, "late request", "late requests")} sent twice`

/** The replies of earlier runs, and what they saved; `false` if there were none. */
export const replays = ({ replays, replaysSaved, unpricedReplays }: Progress): string | false =>
  replays > 0 &&
  `state: ${counted(replays, "answer", "answers")} reused, saved ${cost({ cost: replaysSaved, unpricedCalls: unpricedReplays })}`

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
