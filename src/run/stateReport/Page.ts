/**
 * The report as one HTML page that needs no network and no script. Its policy forbids both, whatever a row contains.
 */
import type { Report } from "../../pipeline/Report.ts"
import * as Charts from "./Charts.ts"
import * as Evaluation from "./Evaluation.ts"
import { html, raw } from "./Html.ts"
import * as Latency from "./Latency.ts"
import * as Money from "./Money.ts"
import * as Overview from "./Overview.ts"
import * as Pipeline from "./Pipeline.ts"
import * as Problems from "./Problems.ts"
import * as Rows from "./Rows.ts"
import * as Runs from "./Runs.ts"
import { style } from "./Style.ts"
import * as Time from "./Time.ts"

const parts = [
  ["pipeline", "Pipeline"],
  ["scores", "Scores"],
  ["money", "Money"],
  ["time", "Over time"],
  ["latency", "Duration of calls"],
  ["problems", "Retries and failures"],
  ["rows", "Rows to look at"],
  ["runs", "Runs"]
] as const

export const draw = (report: Report): string => {
  const present = parts.filter(([id]) => id !== "scores" || report.evaluation !== undefined)
  const charts = Charts.make()
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
        />
        <meta name="color-scheme" content="light dark" />
        <meta name="generator" content="effect-claude" />
        <title>Report of ${report.job}</title>
        <style>
          ${raw(style)}
        </style>
      </head>
      <body>
        <a class="skip" href="#pipeline">Skip to the report</a>
        ${Overview.draw(report)}
        <main>
          <nav aria-label="Parts of the report">
            <ul>
              ${present.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}
            </ul>
          </nav>
          ${Pipeline.draw(report)} ${Evaluation.draw(report)} ${Money.draw(report, charts)} ${Time.draw(report, charts)}
          ${Latency.draw(report, charts)} ${Problems.draw(report, charts)} ${Rows.draw(report)} ${Runs.draw(report)}
        </main>
        <footer>
          <p>
            ${report.emulated === true && "An emulator answered, not Claude. "}Made by effect-claude. This file holds no
            prompt and no answer unless it was made with texts.
          </p>
        </footer>
      </body>
    </html> `
  return page.text
}
