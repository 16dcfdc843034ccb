/**
 * Numbers, durations, dates and money as the report shows them.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Cost from "../../claude/Cost.ts"

export { of as duration } from "../DurationText.ts"

const whole = new Intl.NumberFormat("en-US")
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 })

export const count = (number: number): string => whole.format(number)

/** `1.2M`. */
export const short = (number: number): string =>
  number < 10_000 ? whole.format(Math.round(number)) : compact.format(number)

/** `1 row`, `2 rows`. */
export const counted = (number: number, noun: string): string => `${count(number)} ${noun}${number === 1 ? "" : "s"}`

export const percent = (part: number, total: number): string =>
  total === 0 ? "0 %" : `${((100 * part) / total).toFixed(part === total || part === 0 ? 0 : 1)} %`

/** An ISO date in UTC: `28 Nov 2026, 19:55:37`. */
export const date = (iso: string | null): string => (iso === null ? "unknown" : dates.format(new Date(iso)))

const dates = new Intl.DateTimeFormat("en-GB", {
  timeZone: "UTC",
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit"
})

/** A cost, with the number of calls whose price is unknown. */
export const cost = ({
  cost,
  unpriced
}: {
  readonly cost: BigDecimal.BigDecimal
  readonly unpriced: number
}): string => {
  if (unpriced === 0) return Cost.format(cost)
  const unknown = `${counted(unpriced, "call")} without a known price`
  return BigDecimal.isZero(cost) ? unknown : `${Cost.format(cost)} and ${unknown}`
}

export const dollars = (cost: BigDecimal.BigDecimal | null): string => (cost === null ? "unknown" : Cost.format(cost))

/** For the length of a bar only. */
export const toNumber = (cost: BigDecimal.BigDecimal): number => Number(BigDecimal.format(cost))
