/**
 * `effect-claude run`: runs a job, or resumes it. The flags choose the layers; the work is in `pipeline`.
 */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as JobRun from "../JobRun.ts"
import { flags } from "../RunFlags.ts"

export const run = Command.make(
  "run",
  flags,
  Effect.fn("Cli.run")((flags) => JobRun.run(flags, {}))
).pipe(
  Command.withDescription("Run a job, or resume one that was stopped"),
  Command.withExamples([
    { command: "effect-claude run job.ts --output results.jsonl" },
    { command: "effect-claude run job.ts --output results.jsonl --mode batches" }
  ])
)
