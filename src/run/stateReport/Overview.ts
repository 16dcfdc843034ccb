/**
 * The top of the report: how far the job is, what it cost and how long it took.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Cost from "../../claude/Cost.ts"
import type { Report } from "../../pipeline/Report.ts"
import * as Format from "./Format.ts"
import { type Html, html } from "./Html.ts"
import * as Tile from "./Tile.ts"

/** The end of the last run, in words. */
export const outcomeOf = ({ rows, runs }: Report): string => {
  const last = runs.at(-1)
  if (last === undefined) return "No run has begun."
  if (last.outcome === null) {
    return last.began === null
      ? "An earlier version ran this job and did not store how it ended."
      : "The last run has not ended: it is still running, or its process was killed."
  }
  const failed = rows.failed + rows.invalid
  if (last.outcome === "done") {
    return failed === 0 ? "Every row is done." : `The job is done; ${Format.counted(failed, "row")} failed.`
  }
  const known = outcomes[last.outcome]
  return known === undefined
    ? `The last run stopped: ${last.detail ?? last.outcome}`
    : `The last run stopped: ${known}.`
}

const outcomes: Readonly<Record<string, string>> = {
  limit: "it reached the number of rows that it was given",
  selection: "it was done with the rows that were selected",
  failures: "too many rows failed",
  signal: "a signal ended it",
  interrupted: "it was interrupted",
  input: "rows were missing when the input was read again"
}

export const draw = (report: Report): Html => {
  const { emulated, job, made, money, rows, runs, total } = report
  const tokens = money.steps.reduce((sum, { tokens }) => sum + tokens.output, 0)
  const prompts = money.steps.reduce(
    (sum, { tokens }) => sum + tokens.input + tokens.cacheRead + tokens.cacheWrite1h + tokens.cacheWrite5m,
    0
  )
  const times = runs.flatMap(({ began, ended }) =>
    began === null || ended === null ? [] : [Date.parse(ended) - Date.parse(began)]
  )
  const working = times.reduce((sum, time) => sum + time, 0)
  const budget = runs.at(-1)?.settings.budget
  return html` <header>
    <p class="eyebrow">Report of the job</p>
    <h1>${job}</h1>
    <p class="lead">${outcomeOf(report)}</p>
    ${bar(rows)}
    <ul class="legend">
      <li><span class="swatch green" aria-hidden="true"></span>${Format.count(rows.done)} done</li>
      <li><span class="swatch red" aria-hidden="true"></span>${Format.count(rows.failed)} failed</li>
      ${rows.invalid > 0 && html`<li><span class="swatch purple" aria-hidden="true"></span>${Format.count(rows.invalid)} invalid</li>`}
      <li><span class="swatch open" aria-hidden="true"></span>${Format.count(rows.pending)} pending</li>
    </ul>
    ${emulated === true && html`<p class="note" role="note"><strong>An emulator answered, not Claude.</strong> Nothing was billed: all amounts are what the calls would have cost. The answers only quote the prompts.</p>`}
    <dl class="tiles">
      ${Tile.draw("Rows done", Format.count(rows.done), `of ${Format.count(rows.total)} (${Format.percent(rows.done, rows.total)})`)}
      ${Tile.draw(
        emulated === true ? "Cost, had Claude answered" : "Cost",
        Cost.format(total.cost),
        [
          budget !== undefined && `of a budget of ${budget}`,
          total.unpriced > 0 && `${Format.counted(total.unpriced, "call")} without a known price`,
          rows.done > 0 && `${Cost.format(perRow(total.cost, rows.done))} a finished row`
        ]
          .filter((part) => part !== false)
          .join(", ")
      )}
      ${Tile.draw("Calls", Format.count(total.calls), `${Format.short(prompts)} tokens in, ${Format.short(tokens)} out`)}
      ${Tile.draw("Time", times.length === 0 ? "unknown" : Format.duration(working), `in ${Format.counted(runs.length, "run")}`)}
    </dl>
    ${BigDecimal.isPositive(total.unsettled) && html`<p class="quiet">Calls whose bill is unknown, such as interrupted ones, may have cost up to ${Cost.format(total.unsettled)} more.</p>`}
    <p class="eyebrow">Made ${Format.date(made)} UTC. All times are UTC, all costs US dollars.</p>
  </header>`
}

const perRow = (cost: BigDecimal.BigDecimal, rows: number) =>
  BigDecimal.divideUnsafe(cost, BigDecimal.fromBigInt(BigInt(rows)))

const bar = ({ done, failed, invalid, pending, total }: Report["rows"]): Html | undefined => {
  const all = Math.max(1, total)
  const part = (name: string, count: number) =>
    count > 0 && html`<span class="${name}" style="flex:${Math.max(count / all, 0.002)} 0 0"></span>`
  return html`<div class="bar" role="img" aria-label="${done} rows done, ${failed} failed, ${pending} pending">
    ${part("done", done)}${part("failed", failed)}${part("invalid", invalid)}${part("pending", pending)}
  </div>`
}
