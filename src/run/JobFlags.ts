/**
 * The flags of commands that take a job from a file, and the job that they name.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Command from "effect/cli/Command"
import { ExitWith } from "./ExitWith.ts"
import { file, fileArgument } from "./Flags.ts"
import type { AnyJob } from "./RunOptions.ts"

export const flags = {
  job: fileArgument("job", "The file whose default export is the job"),
  input: file("input", "The file with the rows, instead of the job's own")
}

/** The job of the file, with the input of the flags. */
export const load = Effect.fnUntraced(function* ({ input, job: path }: Command.Command.Config.Infer<typeof flags>) {
  const [Dataset, JobFile] = yield* Effect.promise(() =>
    Promise.all([import("../pipeline/Dataset.ts"), import("./JobFile.ts")])
  )
  const job: AnyJob = yield* Effect.mapError(JobFile.load(path), ({ message }) => new ExitWith(2, message))
  const source = Option.map(input, (file) => Dataset.withFile(job.source, file))
  return { ...job, source: Option.getOrElse(source, () => job.source) }
})
