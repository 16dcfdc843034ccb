/**
 * `effect-claude run`: runs a job, or resumes it. The flags choose the layers; the work is in `pipeline`.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stdio from "effect/Stdio"
import * as Command from "effect/cli/Command"
import * as ClusterFlags from "../ClusterFlags.ts"
import { ExitWith } from "../ExitWith.ts"
import * as JobFlags from "../JobFlags.ts"
import { flags } from "../RunFlags.ts"

export const run = Command.make(
  "run",
  { ...JobFlags.flags, ...flags, database: ClusterFlags.database, queue: ClusterFlags.queue },
  Effect.fn("Cli.run")(function* (flags) {
    const CommandLine = yield* Effect.promise(() => import("../CommandLine.ts"))
    const args = yield* (yield* Stdio.Stdio).args
    const command = CommandLine.toStore("run", args, process.cwd())
    if (Option.isSome(flags.database)) {
      const Submit = yield* Effect.promise(() => import("../Submit.ts"))
      return yield* Submit.run({ ...flags, database: flags.database.value }, JobFlags.load(flags), command)
    }
    if (Option.isSome(flags.queue)) {
      return yield* Effect.fail(
        new ExitWith(2, "--queue hands out rows to workers: add --database postgres://host:5432/database")
      )
    }
    const JobRun = yield* Effect.promise(() => import("../JobRun.ts"))
    return yield* JobRun.run(flags, JobFlags.load(flags), { command })
  })
).pipe(
  Command.withDescription("Run a job, or resume one that was stopped"),
  Command.withExamples([
    { command: "effect-claude run job.ts --output results.jsonl" },
    { command: "effect-claude run job.ts --output results.jsonl --mode batches" }
  ])
)
