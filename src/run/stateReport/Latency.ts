/**
 * How long direct calls took, over all and by step, and the time to the first token.
 */
import * as Plot from "@observablehq/plot"
import type { Report } from "../../pipeline/Report.ts"
import * as Charts from "./Charts.ts"
import * as Format from "./Format.ts"
import { type Html, html } from "./Html.ts"
import { stepName } from "./Money.ts"
import * as Section from "./Section.ts"
import * as Table from "./Table.ts"

type OfCalls = NonNullable<Report["latency"]>["all"]

export const draw = ({ latency }: Report, charts: Charts.Charts): Html =>
  Section.draw({
    id: "latency",
    title: "Duration of calls",
    lead:
      latency === null
        ? "How long calls took from their request to the end of their answer."
        : `Half of the calls took less than ${Format.duration(latency.all.duration.p50)}, and one in twenty more than ${Format.duration(latency.all.duration.p95)}. Retries and waits are not part of it, nor are calls in batches.`,
    body:
      latency === null
        ? Section.empty(
            "No direct call has a duration: the answers came from batches or caches, or from an earlier version."
          )
        : html`${histogram(latency.all, charts)}${Table.make("Durations by step", columns, [
            { ...latency.all, step: "All calls" },
            ...(latency.steps.length > 1 ? latency.steps : [])
          ])}${
            latency.all.firstToken !== null &&
            html`<p class="quiet">
              Streams sent their first token after ${Format.duration(latency.all.firstToken.p50)} in the median, and
              after ${Format.duration(latency.all.firstToken.p95)} in one of twenty calls.
            </p>`
          }`
  })

const histogram = ({ duration }: OfCalls, charts: Charts.Charts): Html => {
  const { classes } = duration
  const description = `Half of ${Format.counted(duration.count, "call")} took less than ${Format.duration(duration.p50)}; the longest took ${Format.duration(duration.max)}.`
  const marks = [
    { at: duration.p50, name: "median" },
    { at: duration.p95, name: "95 %" }
  ]
  const [first] = classes
  const last = classes.at(-1)
  if (first === undefined || last === undefined) return Section.empty(description)
  const chart = charts.draw(
    { title: "Durations of direct calls", description },
    {
      height: 220,
      marginTop: 34,
      x: {
        type: "log",
        label: null,
        domain: [Math.max(1, first.from), last.to],
        tickFormat: Format.duration,
        ticks: 5
      },
      y: { label: "Calls", grid: true, ticks: 4 },
      marks: [
        Plot.rectY(
          classes.map((entry) => ({ ...entry, from: Math.max(1, entry.from) })),
          { x1: "from", x2: "to", y: "count", fill: Charts.colours.sky, inset: 0.5 }
        ),
        Plot.ruleX(marks, { x: "at", stroke: Charts.colours.red, strokeWidth: 1.5 }),
        Plot.text(marks, { x: "at", text: "name", frameAnchor: "top", dy: -12, fill: "currentColor" }),
        Plot.ruleY([0])
      ]
    }
  )
  return html`${chart}${Table.ofChart(
    "Calls by duration",
    [
      { name: "From", cell: ({ from }) => Format.duration(from) },
      { name: "To", isFigure: true, cell: ({ to }) => Format.duration(to) },
      { name: "Calls", isFigure: true, cell: ({ count }) => Format.count(count) }
    ],
    classes
  )}`
}

const figure = (name: string, of: (calls: OfCalls) => number): Table.Column<OfCalls> => ({
  name,
  isFigure: true,
  cell: (calls) => Format.duration(of(calls))
})

const columns: ReadonlyArray<Table.Column<OfCalls>> = [
  { name: "Step", cell: ({ step }) => stepName(step) },
  { name: "Calls", isFigure: true, cell: ({ duration }) => Format.count(duration.count) },
  figure("Median", ({ duration }) => duration.p50),
  figure("90 %", ({ duration }) => duration.p90),
  figure("95 %", ({ duration }) => duration.p95),
  figure("99 %", ({ duration }) => duration.p99),
  figure("Longest", ({ duration }) => duration.max),
  {
    name: "First token",
    isFigure: true,
    cell: ({ firstToken }) => (firstToken === null ? "–" : Format.duration(firstToken.p50))
  }
]
