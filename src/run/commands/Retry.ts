/**
 * `effect-claude retry`: runs only the rows that failed in an earlier run of a job.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import { ExitWith } from "../ExitWith.ts"
import * as JobFlags from "../JobFlags.ts"
import { flags } from "../RetryFlags.ts"

export const retry = Command.make(
  "retry",
  flags,
  Effect.fn("Cli.retry")(function* (flags) {
    const [JobRun, Retry] = yield* Effect.promise(() => Promise.all([import("../JobRun.ts"), import("../Retry.ts")]))
    if (!/\.[cm]?[jt]s$/.test(flags.job)) return yield* Retry.ofState(flags)
    if (Option.isSome(flags.maxTokens)) {
      return yield* Effect.fail(
        new ExitWith(2, "--max-tokens is a flag of map; the prompt of a program has max_tokens")
      )
    }
    const { maxTokens: _none, ...ofRun } = flags
    yield* JobRun.run(ofRun, JobFlags.load(flags), { only: Retry.only(flags) })
  })
).pipe(
  Command.withDescription("Run the rows of a job that failed, with the flags of its last run"),
  Command.withExamples([
    { command: "effect-claude retry results.jsonl --reason Overloaded" },
    { command: "effect-claude retry job.ts --output results.jsonl" }
  ])
)
