/**
 * Loads a job from the default export of a file.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import * as Job from "../pipeline/Job.ts"
import * as UserModules from "./UserModules.ts"

/** The file has no job. */
export class JobFileInvalid extends Schema.TaggedError<JobFileInvalid>()("JobFileInvalid", {
  path: Schema.String,
  /** Where known, the file, line and column come first. */
  detail: Schema.String
}) {
  override get message() {
    return `${this.path}: ${this.detail}`
  }
}

/** The job that a file exports by default. Loading the file runs its code. */
export const load = Effect.fn("JobFile.load")(function* (path: string) {
  const invalid = (detail: string) => new JobFileInvalid({ path, detail })
  const file = resolve(path)
  if (!existsSync(file)) return yield* invalid("there is no such file; name the file that exports the job")
  UserModules.install()
  const module: Readonly<Record<string, unknown>> = yield* Effect.tryPromise({
    try: () => import(pathToFileURL(file).href),
    catch: (error) => {
      const isScript = error instanceof Error && error.message.includes("import statement outside a module")
      return invalid(
        isScript
          ? `is read as CommonJS; write "type": "module" in your package.json, or rename it to .mts`
          : `cannot be loaded: ${UserModules.describe(error)}${exportsByDefault(file) ? "" : `; and it exports no job: ${write}`}`
      )
    }
  })
  const job = module["default"]
  if (Job.isJob(job)) {
    const missing = fields.filter((field) => job[field] === undefined)
    if (missing.length === 0) {
      if (Predicate.isFunction(job.layer)) return yield* invalid(layerIsFunction)
      if (Predicate.hasProperty(job.step, "shape")) return job
      return yield* invalid(
        `its step is ${kindOf(job.step)}, not a step; write \`step: Step.make("name", …)\` around it`
      )
    }
    const unknown = Object.keys(job).filter((name) => !known.has(name) && !name.startsWith("~"))
    const found = unknown.length === 0 ? "" : `, but it has ${unknown.join(", ")}`
    return yield* invalid(`the job has no ${missing.join(", ")}${found}; correct the fields of Job.make`)
  }
  if (!("default" in module)) {
    const exported = Object.keys(module).find((name) => Job.isJob(module[name]))
    const found = exported === undefined ? "" : `; it exports the job as ${exported}`
    return yield* invalid(`it has no default export${found}; ${write}`)
  }
  const place = UserModules.short(UserModules.placeIn(file, "export default", "as default"))
  return yield* invalid(`${place}: the default export is ${kindOf(job)}, not a job; ${write}`)
})

const write = "write `export default Job.make({ … })`"

/** Whether the text of a file has a default export. Without one, it is most likely a program and no job. */
const exportsByDefault = (file: string) => UserModules.placeIn(file, "export default", "as default") !== file

const layerIsFunction =
  '"layer" of the job is a function, not a Layer; put a policy onto Job.claude: `layer: Job.claude.pipe(Retry.policy())`'

/** Node runs the file without a type check, so a misspelt or absent field of `Job.make` is found here. */
const fields = ["name", "source", "key", "step", "output", "sink"] as const satisfies ReadonlyArray<
  keyof Job.Job<never, unknown, unknown>
>
const known: ReadonlySet<string> = new Set([...fields, "layer"])

const kindOf = (value: unknown) => (value === null || value === undefined ? String(value) : `of type ${typeof value}`)
