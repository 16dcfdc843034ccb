/**
 * The report of a job as one HTML page.
 */
import type { Report } from "../../pipeline/Report.ts"
import * as Charts from "./Charts.ts"
import * as Evaluation from "./Evaluation.ts"
import * as Document from "./Document.ts"
import { html } from "./Html.ts"
import * as Latency from "./Latency.ts"
import * as Money from "./Money.ts"
import * as Overview from "./Overview.ts"
import * as Pipeline from "./Pipeline.ts"
import * as Problems from "./Problems.ts"
import * as Rows from "./Rows.ts"
import * as Runs from "./Runs.ts"
import * as Time from "./Time.ts"
import * as Workers from "./Workers.ts"

const parts = [
  ["pipeline", "Pipeline"],
  ["scores", "Scores"],
  ["money", "Money"],
  ["time", "Over time"],
  ["latency", "Duration of calls"],
  ["problems", "Retries and failures"],
  ["rows", "Rows to look at"],
  ["workers", "Workers"],
  ["runs", "Runs"]
] as const

export const draw = (report: Report): string => {
  const hidden = new Set([
    ...(report.evaluation === undefined ? ["scores"] : []),
    ...(report.workers.length === 0 ? ["workers"] : [])
  ])
  const present = parts.filter(([id]) => !hidden.has(id))
  const charts = Charts.make()
  return Document.draw({
    title: `Report of ${report.job}`,
    header: Overview.draw(report),
    parts: present,
    body: html`${Pipeline.draw(report)} ${Evaluation.draw(report)} ${Money.draw(report, charts)}
    ${Time.draw(report, charts)} ${Latency.draw(report, charts)} ${Problems.draw(report, charts)} ${Rows.draw(report)}
    ${Workers.draw(report)} ${Runs.draw(report)}`,
    footer: html`${report.emulated === true && "An emulator answered, not Claude. "}Made by effect-claude. This file
    holds no prompt and no answer unless it was made with texts.`
  })
}
