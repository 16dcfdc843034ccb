/**
 * The slowest, the dearest and the failed rows, each with its calls and attempts. A row unfolds without a script.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as RowKey from "../../pipeline/RowKey.ts"
import type { Report } from "../../pipeline/Report.ts"
import * as Format from "./Format.ts"
import { type Html, html } from "./Html.ts"
import { stepName } from "./Money.ts"
import * as Section from "./Section.ts"
import * as Table from "./Table.ts"

type Row = Report["details"]["slowest"][number]
type Step = Row["steps"][number]

export const draw = ({ details }: Report): Html =>
  Section.draw({
    id: "rows",
    title: "Rows to look at",
    lead: "Open a row to see its calls, and the requests that got no answer.",
    body: html` ${list("Slowest rows", details.slowest, "No row has a duration.")}
    ${list("Dearest rows", details.dearest, "No row has a cost.")}
    ${list("Failed rows", details.failed, "No row has failed.")}`
  })

const list = (title: string, rows: ReadonlyArray<Row>, none: string): Html =>
  html`<h3>${title}</h3>
    ${rows.length === 0 ? Section.empty(none) : rows.map(row)}`

const row = (row: Row): Html =>
  html`<details class="row">
    <summary>
      <span class="key">${RowKey.show(row.key)}</span>
      <span class="figure"
        >${row.milliseconds > 0 && `${Format.duration(row.milliseconds)} · `}${Format.dollars(row.cost)}</span
      >
      <span class="badge ${row.state}">${row.state}</span>
    </summary>
    ${row.error !== null && html`<p>${row.error}</p>`}
    ${Table.make(`Calls of ${RowKey.show(row.key)}`, columnsOf(row.steps), row.steps)}
    ${row.more > 0 && html`<p class="quiet">${Format.counted(row.more, "more call")} are left out.</p>`}
    ${row.steps.map(texts)}
    ${
      row.result !== undefined &&
      html`<h4>Result</h4>
        <pre>${row.result}</pre>`
    }
  </details>`

const texts = ({ reply, request, step }: Step): Html | false =>
  (reply !== undefined || request !== undefined) &&
  html`<details>
    <summary>Texts of ${stepName(step)}</summary>
    ${
      request !== undefined &&
      html`<p class="quiet">Request</p>
        <pre>${request}</pre>`
    }
    ${
      request === undefined &&
      html`<p class="quiet">
        The state has no request of this row: it keeps the requests of the first 8 rows, of every 256th, and of answers
        that could not be used. effect-claude estimate shows requests.
      </p>`
    }
    ${
      reply !== undefined &&
      html`<p class="quiet">Answer</p>
        <pre>${reply}</pre>`
    }
  </details>`

const origins = {
  api: "answered",
  batch: "answered by a batch",
  cache: "from the response cache",
  journal: "from an earlier run",
  lost: "no answer"
} as const

/** Nothing is known, or billed, of most requests without an answer. */
const unbilled = ({ cost, origin }: Pick<Step, "cost" | "origin">): "–" | false =>
  origin === "lost" && cost !== null && BigDecimal.isZero(cost) && "–"

/** The workers are named where several worked on the job. */
const columnsOf = (steps: ReadonlyArray<Step>): ReadonlyArray<Table.Column<Step>> =>
  steps.some(({ worker }) => worker !== undefined)
    ? [...columns, { name: "Worker", cell: ({ worker }) => worker ?? "–" }]
    : columns

const columns: ReadonlyArray<Table.Column<Step>> = [
  { name: "Step", cell: ({ step }) => stepName(step) },
  { name: "Sent", cell: ({ at }) => Format.date(at) },
  { name: "Run", isFigure: true, cell: ({ run }) => run ?? "–" },
  { name: "Result", cell: ({ origin, problem }) => (problem === null ? origins[origin] : problem) },
  {
    name: "Took",
    isFigure: true,
    cell: ({ milliseconds }) => (milliseconds === null ? "–" : Format.duration(milliseconds))
  },
  {
    name: "Tokens in",
    isFigure: true,
    cell: ({ inputTokens, ...step }) => unbilled(step) || Format.count(inputTokens)
  },
  { name: "Out", isFigure: true, cell: ({ outputTokens, ...step }) => unbilled(step) || Format.count(outputTokens) },
  { name: "Cost", isFigure: true, cell: (step) => unbilled(step) || Format.dollars(step.cost) },
  { name: "Model", cell: ({ model }) => model },
  { name: "Request id", cell: ({ requestId }) => requestId ?? "–" }
]
