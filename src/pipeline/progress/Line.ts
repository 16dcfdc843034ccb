/**
 * The lines of a live display: how far the rows are, what the calls cost so far and will cost, and what they wait for.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as HashMap from "effect/HashMap"
import * as Cost from "../../claude/Cost.ts"
import type { Progress } from "../Progress.ts"
import * as Pace from "./Pace.ts"
import { clock, cost, counted, tokens } from "./Text.ts"

/**
 * One line: rows, rate, calls in flight, what they wait for, batches in progress, retries with the last reason, failures,
 * tokens, cost so far and expected, time left. It has at most `columns` characters: the least important parts are left out
 * first.
 */
export const line = (progress: Progress, columns = Infinity): string =>
  fitting(
    [
      rows(progress),
      rate(progress),
      inFlight(progress),
      waits(progress),
      inBatches(progress),
      retries(progress),
      fallbackCount(progress),
      failed(progress),
      tokensUsed(progress),
      money(progress),
      left(progress)
    ],
    columns
  )

/** The first line of a picture: how far the rows are. */
export const rowsLine = (progress: Progress, columns: number): string =>
  fitting(
    [
      rows(progress),
      rate(progress),
      left(progress),
      failed(progress),
      retries(progress),
      fallbackCount(progress),
      inFlight(progress)
    ],
    columns
  )

/** The lines below it: what the calls cost, what they wait for, and where there is room their batches and tokens. */
export const costLines = (progress: Progress, columns: number, most: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const { text } of [money(progress), waits(progress), inBatches(progress), tokensUsed(progress)]) {
    if (text === false) continue
    const together = [...lines.slice(-1), text].join(" · ")
    if (together.length <= columns) lines.splice(-1, 1, together)
    else if (lines.length < most) lines.push(text)
    else return lines
  }
  return lines
}

/** A part of a line. Parts of a higher rank are left out first. */
interface Part {
  readonly rank: number
  readonly text: string | false
}

/** As many of the parts as fit into a line. The most important one is cut if it does not. */
const fitting = (parts: ReadonlyArray<Part>, columns: number): string => {
  const ranks = [...new Set(parts.map(({ rank }) => rank))].toSorted((one, other) => other - one)
  const upTo = (rank: number) =>
    parts.flatMap((part) => (part.text !== false && part.rank <= rank ? [part.text] : [])).join(" · ")
  const found = ranks.map(upTo).find((text) => text.length <= columns)
  return found ?? upTo(ranks.at(-1) ?? 0).slice(0, Math.max(0, columns))
}

const doneOf = ({ failed, skipped, succeeded }: Progress) => skipped + succeeded + failed

const rows = (progress: Progress): Part => {
  const { total } = progress
  return { rank: 0, text: `${doneOf(progress)}${total === undefined ? "" : `/${total}`} rows` }
}

const rate = ({ pace }: Progress): Part => ({ rank: 5, text: `${Pace.rate(pace).toFixed(1)}/s` })

const left = (progress: Progress): Part => {
  const { pace, paused, total } = progress
  const speed = Pace.rate(pace)
  const isKnown = total !== undefined && speed > 0 && !paused
  return { rank: 1, text: isKnown && `${clock((total - doneOf(progress)) / speed)} left` }
}

const failed = ({ failed }: Progress): Part => ({ rank: 2, text: failed > 0 && `${failed} failed` })

const inFlight = ({ inFlight }: Progress): Part => ({ rank: 6, text: `${inFlight} in flight` })

const retries = ({ lastRetry, retries }: Progress): Part => ({
  rank: 4,
  text: lastRetry !== undefined && `${counted(retries, "retry", "retries")}, last ${lastRetry}`
})

const fallbackCount = ({ fallbacks }: Progress): Part => ({
  rank: 4,
  text: fallbacks > 0 && counted(fallbacks, "fallback", "fallbacks")
})

const tokensUsed = ({ inputTokens, outputTokens }: Progress): Part => ({
  rank: 7,
  text: `${tokens(inputTokens)} tokens in, ${tokens(outputTokens)} out`
})

const inBatches = ({ batches }: Progress): Part => ({
  rank: 4,
  text: !HashMap.isEmpty(batches) && `${counted(HashMap.size(batches), "batch", "batches")} in progress`
})

/** The cost so far and, once enough rows have finished to tell, the cost of all rows of this run. */
const money = (progress: Progress): Part => {
  const spent = cost(progress)
  const expected = expectedCost(progress)
  const text = expected === undefined ? spent : `${spent} of ~${Cost.format(expected)}`
  return { rank: 3, text: progress.emulated ? `emulated, worth ${text}` : text }
}

/** With fewer finished rows, their mean cost says too little about the other rows. */
const leastFinished = 10

/** `undefined` where calls have no known price, or too few rows have finished. */
const expectedCost = ({ cost, failed, skipped, succeeded, total, unpricedCalls }: Progress) => {
  const finished = succeeded + failed
  if (total === undefined || unpricedCalls > 0 || BigDecimal.isZero(cost)) return undefined
  if (finished < leastFinished || finished + skipped >= total) return undefined
  return BigDecimal.multiply(cost, BigDecimal.fromNumberUnsafe((total - skipped) / finished))
}

const waits = (progress: Progress): Part => ({ rank: 4, text: binds(progress) ?? false })

/** What keeps the run from being faster: a pause, a rate limit, the budget, or the calls that may be in flight at once. */
export const binds = (progress: Progress): string | undefined => {
  if (progress.paused) return "paused"
  for (const [, { binds, limit }] of progress.binding) {
    if (binds === undefined) continue
    return limit === undefined ? limits[binds] : `${limits[binds]}, ${tokens(limit)} a minute`
  }
  for (const share of progress.withoutMoney) return `waiting for the budget${share === "" ? "" : ` for ${share}`}`
  const { allowed, inFlight } = progress
  return allowed !== undefined && inFlight >= allowed ? `concurrency ${allowed}` : undefined
}

const limits = {
  requests: "rate limit: requests",
  inputTokens: "rate limit: input tokens",
  outputTokens: "rate limit: output tokens",
  pause: "waiting after a 429",
  ramp: "starting slowly until answers show the limits"
}
