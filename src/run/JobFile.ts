/**
 * Loads a job from the default export of a file.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import * as Job from "../pipeline/Job.ts"

/** The file gives no job. */
export class JobFileInvalid extends Schema.TaggedError<JobFileInvalid>()("JobFileInvalid", {
  path: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${this.path}: ${this.detail}`
  }
}

/** The job that a file exports by default. Its code runs as it is loaded. */
export const load = Effect.fn("JobFile.load")(function* (path: string) {
  const invalid = (detail: string) => new JobFileInvalid({ path, detail })
  const file = resolve(path)
  if (!existsSync(file)) return yield* invalid("there is no such file; name the file that exports the job")
  const module: { readonly default?: unknown } = yield* Effect.tryPromise({
    try: () => import(pathToFileURL(file).href),
    catch: (error) => {
      const message = error instanceof Error ? error.message : String(error)
      const isScript = message.includes("import statement outside a module")
      return invalid(
        isScript
          ? `is taken for a script; write "type": "module" in your package.json, or name it .mts`
          : `cannot be loaded: ${message}`
      )
    }
  })
  if (!Job.isJob(module.default)) {
    return yield* invalid("its default export is not a job; write `export default Job.make({ … })`")
  }
  return module.default
})
