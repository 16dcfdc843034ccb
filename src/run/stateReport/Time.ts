/**
 * Requests and tokens over time against the limits, for the last runs, and what calls waited for.
 */
import * as Plot from "@observablehq/plot"
import type { Report } from "../../pipeline/Report.ts"
import * as Charts from "./Charts.ts"
import * as Format from "./Format.ts"
import { type Html, html } from "./Html.ts"
import * as Section from "./Section.ts"
import * as Table from "./Table.ts"
import * as TimeAxis from "./TimeAxis.ts"

type OfRun = Report["series"][number]

const minute = 60_000

export const draw = (report: Report, charts: Charts.Charts): Html =>
  Section.draw({
    id: "time",
    title: "Over time",
    lead: "Requests and tokens per minute of each run, with the limits of the API as dashed lines. The API counts the tokens of a prompt when its request arrives.",
    body:
      report.series.length === 0
        ? Section.empty("No call has a time: none was sent yet, or an earlier version ran the job.")
        : html`${report.series.toReversed().map((series) => run(report, series, charts))}${waits(report)}`
  })

const run = (report: Report, series: OfRun, charts: Charts.Charts): Html => {
  const mode = report.runs.find(({ run }) => run === series.run)?.settings.mode
  const isBatch = mode === "batches" || series.slots.every(({ inputTokens }) => inputTokens === 0)
  return html`<h3>Run ${series.run}${isBatch && ", in batches"}</h3>
    <p class="quiet">Each bar is the rate of ${Format.duration(series.width)}.</p>
    <div class="triple">${(isBatch ? ofBatches : ofCalls).map((kind) => chart(report, series, charts, kind))}</div>
    ${Table.ofChart(`Run ${series.run} over time`, columns(series), series.slots)}`
}

type Limited = "requests" | "inputTokens" | "outputTokens"

/** What a chart shows: bars in layers, from the ground up. */
interface Kind {
  readonly title: string
  readonly limit?: Limited
  readonly layers: ReadonlyArray<{
    readonly name?: string
    readonly colour: keyof typeof Charts.colours
    readonly of: (slot: OfRun["slots"][number]) => number
  }>
}

const ofCalls: ReadonlyArray<Kind> = [
  {
    title: "Requests per minute",
    limit: "requests",
    layers: [
      { name: "Answered", colour: "blue", of: ({ lost, requests }) => requests - lost },
      { name: "Without an answer", colour: "red", of: ({ lost }) => lost }
    ]
  },
  {
    title: "Tokens of prompts per minute",
    limit: "inputTokens",
    layers: [{ colour: "green", of: ({ inputTokens }) => inputTokens }]
  },
  {
    title: "Tokens of answers per minute",
    limit: "outputTokens",
    layers: [{ colour: "orange", of: ({ outputTokens }) => outputTokens }]
  }
]

const ofBatches: ReadonlyArray<Kind> = [
  {
    title: "Answers of batches per minute",
    layers: [
      { name: "Answered", colour: "blue", of: ({ batched }) => batched },
      { name: "Without an answer", colour: "red", of: ({ lost }) => lost }
    ]
  },
  { title: "Tokens of answers per minute", layers: [{ colour: "orange", of: ({ outputTokens }) => outputTokens }] }
]

const chart = (report: Report, series: OfRun, charts: Charts.Charts, { layers, limit: kind, title }: Kind): Html => {
  const perMinute = (count: number) => (count * minute) / series.width
  const totals = series.slots.map((slot) => layers.reduce((sum, layer) => sum + layer.of(slot), 0))
  const most = perMinute(Math.max(...totals))
  const limits = new Set(
    report.limits.flatMap(({ run, ...limit }) => (run === series.run && kind !== undefined ? (limit[kind] ?? []) : []))
  )
  const known = limits.size === 0 ? "" : ` The limit is ${[...limits].map(Format.short).join(" or ")} a minute.`
  const isAbove = [...limits].some((limit) => most > limit)
  const burst = isAbove ? " For a short time, the API allows more." : ""
  const description = `The highest bar is a rate of ${Format.short(most)} a minute, for ${Format.duration(series.width)}.${known}${burst}`
  const named = layers.flatMap(({ colour, name }) => (name === undefined ? [] : [[name, colour] as const]))
  const data = layers.flatMap(({ colour, of }) =>
    series.slots.map((slot) => ({
      from: new Date(slot.at),
      to: new Date(slot.at + series.width),
      rate: perMinute(of(slot)),
      colour: Charts.colours[colour]
    }))
  )
  // A limit far above would press the bars to the ground; the words name it.
  const near = [...limits].filter((limit) => limit <= 3 * most)
  const drawn = charts.draw(
    { title: `${title}, run ${series.run}`, description },
    {
      width: 340,
      height: 170,
      marginBottom: 24,
      x: { type: "utc", label: null, ...axisOf(series) },
      y: { label: null, grid: true, ticks: 4, tickFormat: Format.short },
      color: { type: "identity" },
      marks: [
        Plot.rectY(data, { x1: "from", x2: "to", y: "rate", fill: "colour", inset: 0.25 }),
        Plot.ruleY(near, { stroke: "currentColor", strokeWidth: 1.5, strokeDasharray: "5 4" }),
        Plot.ruleY([0])
      ]
    }
  )
  return html`<div>
    <h4>${title}</h4>
    ${drawn}${named.length > 0 && Charts.legend(named)}
    <p class="quiet">${description}</p>
  </div>`
}

const axisOf = ({ slots, width }: OfRun) => TimeAxis.make(slots[0]?.at ?? 0, (slots.at(-1)?.at ?? 0) + width)

const columns = (series: OfRun): ReadonlyArray<Table.Column<OfRun["slots"][number]>> => [
  { name: `From, for ${Format.duration(series.width)}`, cell: ({ at }) => Format.date(new Date(at).toISOString()) },
  { name: "Requests", isFigure: true, cell: ({ requests }) => Format.count(requests) },
  { name: "Without an answer", isFigure: true, cell: ({ lost }) => Format.count(lost) },
  { name: "Tokens in", isFigure: true, cell: ({ inputTokens }) => Format.count(inputTokens) },
  { name: "Tokens out", isFigure: true, cell: ({ outputTokens }) => Format.count(outputTokens) },
  { name: "Answers of batches", isFigure: true, cell: ({ batched }) => Format.count(batched) }
]

const reasons: Readonly<Record<string, string>> = {
  concurrency: "a place among the calls in flight",
  "rate-limit": "a rate limit",
  budget: "money of the budget",
  "warm-up": "the call that warms the prompt cache",
  "equal-call": "an equal call in flight",
  batch: "a batch"
}

const waits = ({ waits }: Report): Html =>
  html`<h3>Waiting</h3>
    ${
      waits.length === 0
        ? Section.empty("No call waited for a limit, a budget or a place.")
        : Table.make(
            "What calls waited for before they were sent, over all runs",
            [
              { name: "For", cell: ({ for: reason }) => reasons[reason] ?? reason },
              { name: "Calls", isFigure: true, cell: ({ calls }) => Format.count(calls) },
              { name: "Together", isFigure: true, cell: ({ milliseconds }) => Format.duration(milliseconds) },
              { name: "Each", isFigure: true, cell: ({ calls, milliseconds }) => Format.duration(milliseconds / calls) }
            ],
            waits.toSorted((one, other) => other.milliseconds - one.milliseconds)
          )
    }`
