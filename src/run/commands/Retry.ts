/**
 * `effect-claude retry`: runs only the rows that failed in an earlier run of a job.
 */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as JobFlags from "../JobFlags.ts"
import { flags } from "../RunFlags.ts"

export const retry = Command.make(
  "retry",
  { ...JobFlags.flags, ...flags },
  Effect.fn("Cli.retry")(function* (flags) {
    const JobRun = yield* Effect.promise(() => import("../JobRun.ts"))
    return yield* JobRun.run(flags, JobFlags.load(flags), { only: "failed" })
  })
).pipe(
  Command.withDescription("Run the rows of a job that failed, with the flags of the run"),
  Command.withExamples([{ command: "effect-claude retry job.ts --output results.jsonl" }])
)
