/**
 * The workers of a submitted job, those with the most rows at the top. A long list is folded, so that the page stays short.
 */
import type { Report } from "../../pipeline/Report.ts"
import * as Format from "./Format.ts"
import { type Html, html } from "./Html.ts"
import * as Section from "./Section.ts"
import * as Table from "./Table.ts"

type Worker = Report["workers"][number]

/** Workers that are shown without unfolding. */
const mostShown = 20

/** Nothing where no worker has joined. */
export const draw = ({ made, workers }: Report): Html | undefined => {
  if (workers.length === 0) return undefined
  const sorted = workers.toSorted((one, other) => other.done - one.done || other.calls - one.calls)
  const folded = sorted.slice(mostShown)
  return Section.draw({
    id: "workers",
    title: "Workers",
    lead: `${leadOf(workers, Format.date(made))} A worker that was killed is gone, and its last time is accurate to a minute.`,
    body: html`${Table.make("Workers, those with the most rows at the top", columns, sorted.slice(0, mostShown))}
    ${
      folded.length > 0 &&
      html`<details>
        <summary>${Format.counted(folded.length, "more worker")}</summary>
        ${Table.make("More workers", columns, folded)}
      </details>`
    }`
  })
}

/** `12 workers have joined, and 3 of them worked at 28 Nov 2026, 19:55:37.` */
const leadOf = (workers: ReadonlyArray<Worker>, made: string) => {
  const working = workers.filter(({ state }) => state === "working").length
  const joined = `${Format.counted(workers.length, "worker")} ${workers.length === 1 ? "has" : "have"} joined`
  return `${joined}, and ${Format.count(working)} of them worked at ${made}.`
}

const columns: ReadonlyArray<Table.Column<Worker>> = [
  { name: "Worker", cell: ({ worker }) => worker },
  { name: "State", cell: ({ state }) => state },
  { name: "Since", cell: ({ since }) => Format.date(since) },
  { name: "Last seen", cell: ({ seen }) => Format.date(seen) },
  { name: "Joined", isFigure: true, cell: ({ joined }) => Format.counted(joined, "time") },
  { name: "Rows done", isFigure: true, cell: ({ done }) => Format.count(done) },
  { name: "Failed", isFigure: true, cell: ({ failed }) => Format.count(failed) },
  { name: "Calls", isFigure: true, cell: ({ calls }) => Format.count(calls) },
  { name: "Cost", isFigure: true, cell: Format.cost }
]
