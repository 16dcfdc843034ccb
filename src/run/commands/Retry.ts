/**
 * `effect-claude retry`: runs only the rows that failed in an earlier run of a job.
 */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as JobFlags from "../JobFlags.ts"
import { flags } from "../RetryFlags.ts"

export const retry = Command.make(
  "retry",
  flags,
  Effect.fn("Cli.retry")(function* (flags) {
    const [JobRun, Retry] = yield* Effect.promise(() => Promise.all([import("../JobRun.ts"), import("../Retry.ts")]))
    const isProgram = /\.[cm]?[jt]s$/.test(flags.job)
    yield* isProgram ? JobRun.run(flags, JobFlags.load(flags), { only: Retry.only(flags) }) : Retry.ofState(flags)
  })
).pipe(
  Command.withDescription("Run the rows of a job that failed, with the flags of its last run"),
  Command.withExamples([
    { command: "effect-claude retry results.jsonl --reason Overloaded" },
    { command: "effect-claude retry job.ts --output results.jsonl" }
  ])
)
