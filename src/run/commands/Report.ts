/**
 * `effect-claude report`: writes a page about a job.
 */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { flags } from "../ReportFlags.ts"

export const report = Command.make(
  "report",
  flags,
  Effect.fn("Cli.report")(function* (flags) {
    const StateReport = yield* Effect.promise(() => import("../StateReport.ts"))
    yield* StateReport.write(flags)
  })
).pipe(
  Command.withDescription("Write a page about a job: money, durations, retries, failures and all its runs"),
  Command.withExamples([
    { command: "effect-claude report results.jsonl" },
    { command: "effect-claude report postgres://host:5432/database --job mails --output mails.html" }
  ])
)
