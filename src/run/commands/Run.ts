/**
 * `effect-claude run`: runs a job, or resumes it. The flags choose the layers; the work is in `pipeline`.
 */
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import * as Command from "effect/cli/Command"
import * as JobFlags from "../JobFlags.ts"
import { flags } from "../RunFlags.ts"

export const run = Command.make(
  "run",
  { ...JobFlags.flags, ...flags },
  Effect.fn("Cli.run")(function* (flags) {
    const [CommandLine, JobRun] = yield* Effect.promise(() =>
      Promise.all([import("../CommandLine.ts"), import("../JobRun.ts")])
    )
    const args = yield* (yield* Stdio.Stdio).args
    const command = CommandLine.toStore("run", args, process.cwd())
    return yield* JobRun.run(flags, JobFlags.load(flags), { command })
  })
).pipe(
  Command.withDescription("Run a job, or resume one that was stopped"),
  Command.withExamples([
    { command: "effect-claude run job.ts --output results.jsonl" },
    { command: "effect-claude run job.ts --output results.jsonl --mode batches" }
  ])
)
