/**
 * The flags of `effect-claude worker`, and the flags of `run` that apply to a run with `--database`.
 */
import * as Argument from "effect/cli/Argument"
import type * as Command from "effect/cli/Command"
import * as Option from "effect/Option"
import * as Flag from "effect/cli/Flag"
import { fileArgument, positive, text, toggle } from "./Flags.ts"
import * as RunFlags from "./RunFlags.ts"

/** The database of a job on many machines. */
export const database = text(
  "database",
  "Run the job on many machines: postgres://host:5432/database, on which any number of `effect-claude worker` work"
)

/** The queue of a job on many machines, if it is not in the database. */
export const queue = text(
  "queue",
  "With --database: let BullMQ on this Redis server hand out the rows: redis://host:6379. By default, the database does"
)

const { cache, concurrency, emulator, fallback, itpm, model, onlyResults, otpm, promptCache, redis, rpm } =
  RunFlags.flags

/** How a worker calls Claude. The budget belongs to the submitted job. */
export const worker = {
  jobs: fileArgument("job", "The files whose default exports are the jobs, as they were submitted").pipe(
    Argument.variadic({ min: 1 })
  ),
  database,
  name: text("name", "The name of the worker in traces, metrics, status and report; by default its host and process"),
  healthPort: positive("health-port", "Answer /livez, /readyz and /metrics over HTTP on this port").pipe(Flag.optional),
  json: toggle("json", "Print each message and each log record as one line of JSON"),
  cache,
  concurrency,
  emulator,
  fallback,
  itpm,
  model,
  onlyResults,
  otpm,
  promptCache,
  queue,
  redis,
  rpm
}

/** The values of the flags of a worker. */
export type WorkerFlags = Command.Command.Config.Infer<typeof worker>

/** The flags of a run that have an effect where others work on the rows. */
const submits = new Set([
  "output",
  "budget",
  "concurrency",
  "mode",
  "model",
  "onlyResults",
  "keep",
  "rerun",
  "rejects",
  "yes",
  "json"
])

/** The given flags that a run with `--database` does not take, such as the flags of its workers. */
export const foreign = (flags: RunFlags.RunFlags): ReadonlyArray<string> =>
  Object.entries<unknown>(flags).flatMap(([name, value]) =>
    name in RunFlags.flags && !(submits.has(name) && !isOfWorkers(name, flags)) && isGiven(value)
      ? [`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`]
      : []
  )

/** In batches, the concurrency is the number of rows that wait in each worker. */
const isOfWorkers = (name: string, { mode }: RunFlags.RunFlags) => name === "concurrency" && mode === "batches"

/** The defaults of flags that are not optional. */
const defaults = new Set<unknown>([false, "direct", "leave"])

const isGiven = (value: unknown) => (Option.isOption(value) ? Option.isSome(value) : !defaults.has(value))
