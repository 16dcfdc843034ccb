/**
 * `effect-claude run`: runs a job, or resumes it. The flags choose the layers; the work is in `pipeline`.
 */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as JobFlags from "../JobFlags.ts"
import { flags } from "../RunFlags.ts"

export const run = Command.make(
  "run",
  { ...JobFlags.flags, ...flags },
  Effect.fn("Cli.run")(function* (flags) {
    const JobRun = yield* Effect.promise(() => import("../JobRun.ts"))
    return yield* JobRun.run(flags, JobFlags.load(flags))
  })
).pipe(
  Command.withDescription("Run a job, or resume one that was stopped"),
  Command.withExamples([
    { command: "effect-claude run job.ts --output results.jsonl" },
    { command: "effect-claude run job.ts --output results.jsonl --mode batches" }
  ])
)
