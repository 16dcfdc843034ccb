/**
 * The jobs of a worker, from their files. A job is known to the database by its name, so two files must not have the same
 * one.
 */
import * as Effect from "effect/Effect"
import { ExitWith } from "../ExitWith.ts"
import * as JobFile from "../JobFile.ts"

/** Loads the jobs, in the order of their files. */
export const load = Effect.fnUntraced(function* (paths: ReadonlyArray<string>) {
  const files = new Map<string, string>()
  return yield* Effect.forEach(paths, (path) =>
    Effect.gen(function* () {
      const job = yield* Effect.mapError(JobFile.load(path), ({ message }) => new ExitWith(2, message))
      const earlier = files.get(job.name)
      if (earlier !== undefined) {
        return yield* Effect.fail(
          new ExitWith(2, `${earlier} and ${path} both have a job "${job.name}"; leave one out, or rename its job`)
        )
      }
      files.set(job.name, path)
      return job
    })
  )
})
