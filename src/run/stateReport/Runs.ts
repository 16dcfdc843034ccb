/**
 * All runs of the job, the latest first.
 */
import type { Report } from "../../pipeline/Report.ts"
import * as Format from "./Format.ts"
import type { Html } from "./Html.ts"
import * as Section from "./Section.ts"
import * as Table from "./Table.ts"

type Run = Report["runs"][number]

export const draw = ({ runs }: Report): Html =>
  Section.draw({
    id: "runs",
    title: "Runs",
    lead:
      runs.length === 1
        ? "The job has run once."
        : `The job has run ${Format.count(runs.length)} times. Rows are counted at the end of each run.`,
    body:
      runs.length === 0
        ? Section.empty("No run has begun.")
        : Table.make("Runs of the job, the latest first", columns, runs.toReversed())
  })

/** How a run ended, with the message of an error. */
const endOf = ({ began, detail, outcome }: Run): string => {
  if (outcome === null) return began === null ? "unknown" : "none"
  return detail === null ? outcome : `${outcome}: ${detail}`
}

const columns: ReadonlyArray<Table.Column<Run>> = [
  { name: "Run", cell: ({ run }) => String(run) },
  { name: "Began", cell: ({ began }) => Format.date(began) },
  {
    name: "Took",
    isFigure: true,
    cell: ({ began, ended }) =>
      began === null || ended === null ? "–" : Format.duration(Date.parse(ended) - Date.parse(began))
  },
  { name: "End", cell: endOf },
  { name: "Mode", cell: ({ settings }) => settings.mode ?? "–" },
  { name: "Concurrency", isFigure: true, cell: ({ settings }) => settings.concurrency ?? "default" },
  { name: "Machine", cell: ({ settings }) => settings.worker ?? "–" },
  { name: "Done", isFigure: true, cell: ({ done, total }) => `${Format.count(done)} of ${Format.count(total)}` },
  { name: "Failed", isFigure: true, cell: ({ failed }) => (failed === null ? "–" : Format.count(failed)) },
  { name: "Calls", isFigure: true, cell: ({ calls }) => Format.count(calls) },
  { name: "Cost", isFigure: true, cell: Format.cost }
]
