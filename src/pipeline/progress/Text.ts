/**
 * The progress of a job as text: a bar, lines of batches, and the parts of a report. `Line` has the lines of a live display.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Cost from "../../claude/Cost.ts"
import type { Progress } from "../Progress.ts"

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

/** The answers that did not fit their schema at first; `false` if there were none. */
export const invalidOutputs = ({ reasked, repaired }: Progress): string | false =>
  repaired + reasked > 0 &&
  `answers that did not fit their schema: ${repaired} repaired without a call, ${reasked} asked for again`

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

/** A duration, such as 0:05 or 1:00:00. */
export const clock = (seconds: number): string => {
  const whole = Math.ceil(seconds)
  const minutes = String(Math.floor(whole / 60) % 60)
  const rest = String(whole % 60).padStart(2, "0")
  return whole < 3600 ? `${minutes}:${rest}` : `${Math.floor(whole / 3600)}:${minutes.padStart(2, "0")}:${rest}`
}
