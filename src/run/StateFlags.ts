/**
 * The argument and the flag of the commands that work on the state of a job.
 */
import type * as Command from "effect/cli/Command"
import { fileArgument, text } from "./Flags.ts"

export const flags = {
  state: fileArgument("state", "The state of the job, or the output next to it, or postgres://host:5432/database"),
  job: text("job", "The name of the job, where the state holds several")
}

/** The values of the flags. */
export type StateFlags = Command.Command.Config.Infer<typeof flags>
