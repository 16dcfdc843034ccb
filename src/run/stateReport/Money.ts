/**
 * The money: by step and model, by kind of token, and what batches, caches and earlier runs have saved.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Plot from "@observablehq/plot"
import * as Cost from "../../claude/Cost.ts"
import { others, type Report } from "../../pipeline/Report.ts"
import * as Charts from "./Charts.ts"
import * as Format from "./Format.ts"
import { type Html, html } from "./Html.ts"
import * as Section from "./Section.ts"
import * as Table from "./Table.ts"

/** The name of a step; calls outside of steps have none. */
export const stepName = (step: string): string => (step === "" ? "(no step)" : step)

const names = {
  input: "Prompts, not cached",
  output: "Answers",
  cacheWrite5m: "Cache writes, 5 minutes",
  cacheWrite1h: "Cache writes, 1 hour",
  cacheRead: "Cache reads",
  webSearches: "Web searches"
} as const

export const draw = (report: Report, charts: Charts.Charts): Html => {
  const { money, total } = report
  const attributed = BigDecimal.sumAll(money.steps.flatMap(({ batch, direct }) => [batch.cost, direct.cost]))
  const rest = BigDecimal.subtract(total.cost, attributed)
  const direct = BigDecimal.sumAll(money.steps.map(({ direct }) => direct.cost))
  const batch = BigDecimal.sumAll(money.steps.map(({ batch }) => batch.cost))
  return Section.draw({
    id: "money",
    title: "Money",
    lead: html`${Format.cost(total)} in all${report.emulated === true && ", had Claude answered"}:
    ${Cost.format(direct)} for direct calls and ${Cost.format(batch)} for calls in batches, which cost half.`,
    body:
      money.steps.length === 0
        ? Section.empty("No call was billed.")
        : html`${chartOf(money, charts)} ${Table.make("Cost by step and model", stepColumns(report), money.steps)}
            ${BigDecimal.isPositive(rest) && html`<p class="quiet">${Cost.format(rest)} more cannot be attributed to a step: earlier versions did not store it.</p>`}
            <div class="pair">
              <div>
                <h3>By kind of token</h3>
                ${Table.make("Tokens and their cost", kindColumns(total.cost), money.kinds)}
              </div>
              <div>
                <h3>Saved</h3>
                ${savings(report)}
              </div>
            </div>`
  })
}

const chartOf = ({ steps }: Report["money"], charts: Charts.Charts): Html => {
  const shown = steps.slice(0, 12)
  const bars = shown.flatMap(({ batch, direct, model, step }) => {
    const name = labelOf(step, model)
    return [
      { name, kind: "Direct", cost: Format.toNumber(direct.cost) },
      { name, kind: "Batches", cost: Format.toNumber(batch.cost) }
    ]
  })
  const [dearest] = shown
  const description =
    dearest === undefined
      ? "No step was billed."
      : `${labelOf(dearest.step, dearest.model)} cost most: ${Cost.format(BigDecimal.sum(dearest.direct.cost, dearest.batch.cost))}.`
  const chart = charts.draw(
    { title: "Cost by step and model, in US dollars", description },
    {
      height: 48 + 34 * shown.length,
      marginLeft: 230,
      x: { label: null, grid: true, tickFormat: (dollars: number) => `$${dollars}` },
      y: { label: null, domain: shown.map(({ model, step }) => labelOf(step, model)), tickSize: 0 },
      color: { domain: ["Direct", "Batches"], range: [Charts.colours.blue, Charts.colours.orange] },
      marks: [Plot.barX(bars, { x: "cost", y: "name", fill: "kind", insetTop: 3, insetBottom: 3 }), Plot.ruleX([0])]
    }
  )
  return html`${Charts.legend([
    ["Direct", "blue"],
    ["Batches", "orange"]
  ])}${chart}`
}

const labelOf = (step: string, model: string) =>
  step === others ? others : `${stepName(step)} · ${model.replace(/^claude-/, "")}`.slice(0, 38)

type StepOfMoney = Report["money"]["steps"][number]

const stepColumns = ({ money }: Report): ReadonlyArray<Table.Column<StepOfMoney>> => {
  const lost = money.steps.some(({ withoutReply }) => withoutReply.calls > 0)
  return [
    { name: "Step", cell: ({ step }) => stepName(step) },
    { name: "Model", cell: ({ model }) => model },
    { name: "Direct calls", isFigure: true, cell: ({ direct }) => Format.count(direct.calls) },
    { name: "Cost", isFigure: true, cell: ({ direct }) => Format.cost(direct) },
    { name: "In batches", isFigure: true, cell: ({ batch }) => Format.count(batch.calls) },
    { name: "Cost", isFigure: true, cell: ({ batch }) => Format.cost(batch) },
    ...(lost
      ? [{ name: "Of it unusable", isFigure: true, cell: ({ withoutReply }: StepOfMoney) => Format.cost(withoutReply) }]
      : [])
  ]
}

const kindColumns = (total: BigDecimal.BigDecimal): ReadonlyArray<Table.Column<Report["money"]["kinds"][number]>> => [
  { name: "Kind", cell: ({ kind }) => names[kind] },
  { name: "Number", isFigure: true, cell: ({ count }) => Format.count(count) },
  { name: "Cost", isFigure: true, cell: ({ cost }) => Cost.format(cost) },
  {
    name: "Share",
    isFigure: true,
    cell: ({ cost }) => Format.percent(Format.toNumber(cost), Format.toNumber(total))
  }
]

const savings = ({ money, replays }: Report): Html => {
  const { batches, promptCache, responseCache } = money.savings
  const rows = [
    { name: "Batches, against direct calls", what: Format.counted(batches.calls, "call"), ...batches },
    {
      name: "Prompt cache, against plain prompts",
      what: `${Format.short(promptCache.read)} tokens read, ${Format.short(promptCache.written)} written`,
      ...promptCache
    },
    { name: "Response cache", what: Format.counted(responseCache.calls, "call"), ...responseCache },
    { name: "Replies of earlier runs, used again", what: Format.counted(replays.calls, "call"), ...replays }
  ].filter(({ calls, saved }) => calls > 0 || !BigDecimal.isZero(saved))
  if (rows.length === 0) return Section.empty("No batch, no cache and no earlier run saved money.")
  return Table.make(
    "What these calls would have cost more",
    [
      { name: "By", cell: ({ name }) => name },
      { name: "Used", cell: ({ what }) => what },
      { name: "Saved", isFigure: true, cell: ({ saved, unpriced }) => Format.cost({ cost: saved, unpriced }) }
    ],
    rows
  )
}
