/**
 * Attempts that gave no answer, and rows that failed, by their reasons.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Plot from "@observablehq/plot"
import * as Cost from "../../claude/Cost.ts"
import type { Report } from "../../pipeline/Report.ts"
import * as Charts from "./Charts.ts"
import * as Format from "./Format.ts"
import { type Html, html } from "./Html.ts"
import * as Section from "./Section.ts"
import * as Table from "./Table.ts"

type Reason = Report["problems"]["attempts"][number]

export const draw = ({ problems }: Report, charts: Charts.Charts): Html => {
  const lost = problems.attempts.reduce((sum, { count }) => sum + count, 0)
  const failed = problems.failures.reduce((sum, { rows }) => sum + rows, 0)
  return Section.draw({
    id: "problems",
    title: "Retries and failures",
    lead: `${Format.counted(lost, "request")} got no answer and ${lost === 1 ? "was" : "were"} sent again or given up; ${Format.counted(failed, "row")} failed in the end.`,
    body: html`<h3>Requests without an answer</h3>
      ${lost === 0 ? Section.empty("Every request was answered, or an earlier version ran the job.") : attempts(problems.attempts, charts)}
      <h3>Failed rows</h3>
      ${failed === 0 ? Section.empty("No row has failed.") : failures(problems.failures)}
      ${problems.rejected > 0 && html`<p class="quiet">The program could not use ${Format.counted(problems.rejected, "answer")}, such as one that does not fit its schema.</p>`}`
  })
}

const nameOf = ({ code, reason, status }: Reason) =>
  [reason, status === null ? undefined : `(${status})`, code ?? undefined]
    .filter((part) => part !== undefined)
    .join(" ")

const attempts = (reasons: Report["problems"]["attempts"], charts: Charts.Charts): Html => {
  const shown = reasons.slice(0, 10).map((reason) => ({ ...reason, name: nameOf(reason).slice(0, 36) }))
  const [most] = shown
  const chart = charts.draw(
    {
      title: "Requests without an answer, by reason",
      description:
        most === undefined
          ? "There are none."
          : `${most.name} was most frequent: ${Format.counted(most.count, "request")}.`
    },
    {
      height: 44 + 28 * shown.length,
      marginLeft: 230,
      x: { label: null, grid: true, ticks: 5 },
      y: { label: null, domain: shown.map(({ name }) => name), tickSize: 0 },
      marks: [
        Plot.barX(shown, { x: "count", y: "name", fill: Charts.colours.orange, insetTop: 3, insetBottom: 3 }),
        Plot.ruleX([0])
      ]
    }
  )
  return html`${chart}${Table.make(
    "Requests without an answer, by reason",
    [
      { name: "Reason", cell: nameOf },
      { name: "Requests", isFigure: true, cell: ({ count }) => Format.count(count) },
      { name: "Rows", isFigure: true, cell: ({ rows }) => Format.count(rows) },
      { name: "Of them without a result", isFigure: true, cell: ({ unfinished }) => Format.count(unfinished) },
      {
        name: "Billed all the same",
        isFigure: true,
        cell: ({ cost }) => (BigDecimal.isZero(cost) ? "–" : Cost.format(cost))
      }
    ],
    reasons
  )}`
}

const failures = (failures: Report["problems"]["failures"]): Html =>
  Table.make(
    "Failed rows by error",
    [
      { name: "Error", cell: ({ error }) => error },
      { name: "Rows", isFigure: true, cell: ({ rows }) => Format.count(rows) },
      { name: "Billed", isFigure: true, cell: ({ cost }) => Cost.format(cost) },
      { name: "First message", cell: ({ message }) => message },
      { name: "First rows", cell: ({ keys }) => keys.join(", ") }
    ],
    failures
  )
