/**
 * The flags of commands that take a job from a file, and the job that they name.
 */
import * as Effect from "effect/Effect"
import type * as Command from "effect/cli/Command"
import { ExitWith } from "./ExitWith.ts"
import { fileArgument, files } from "./Flags.ts"
import type { AnyJob } from "./RunOptions.ts"

export const flags = {
  job: fileArgument("job", "The file whose default export is the job"),
  input: files(
    "input",
    "The rows, instead of the job's own: a file, a pattern, a folder, a query or - for standard input; may be repeated"
  )
}

/** The job of the file, with the input of the flags. */
export const load = Effect.fnUntraced(function* ({ input, job: path }: Command.Command.Config.Infer<typeof flags>) {
  const [Dataset, JobFile] = yield* Effect.promise(() =>
    Promise.all([import("../pipeline/Dataset.ts"), import("./JobFile.ts")])
  )
  const job: AnyJob = yield* Effect.mapError(JobFile.load(path), ({ message }) => new ExitWith(2, message))
  return input.length === 0 ? job : { ...job, source: Dataset.withFiles(job.source, input) }
})
