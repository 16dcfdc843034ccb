/**
 * The flags of `retry`.
 */
import type * as Command from "effect/cli/Command"
import { fileArgument, text } from "./Flags.ts"
import * as JobFlags from "./JobFlags.ts"
import { maxTokens } from "./MapFlags.ts"
import * as RunFlags from "./RunFlags.ts"

export const flags = {
  ...JobFlags.flags,
  job: fileArgument(
    "state",
    "The state of the job or the output next to it, or the file of the job with the flags of its run"
  ),
  jobName: text("job", "The name of the job, where the state holds several"),
  maxTokens,
  reason: text("reason", "Run only rows that failed for this reason, such as Overloaded"),
  ...RunFlags.flags
}

/** Their values. */
export type RetryFlags = Command.Command.Config.Infer<typeof flags>
