/**
 * Runs one task of the bench `job`, reports what it took, and ends. An error ends the process without a report.
 */
import { mkdirSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"

/** A job over the rows of `input`. Its state and its output are in `folder`. */
export interface Task {
  readonly subject: string
  /** The checkout of the subject, if it is ours. */
  readonly root?: string | undefined
  /** `prepare` makes a state in which all but 1 % of the rows are done; `resume` runs until the first call. */
  readonly act: "run" | "prepare" | "resume"
  readonly url: string
  readonly input: string
  readonly folder: string
  readonly rows: number
  readonly inFlight: number
}

/** What a task took. `peakBytes` is the resident memory of the process. */
export interface Measured {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakBytes: number
  readonly stateBytes: number
}

const task: Task = JSON.parse(process.argv[2] ?? "")
const acts =
  task.root === undefined
    ? (await import("./jobOthers.ts")).load(task.subject)
    : await (await import("./jobOurs.ts")).load(task.root)

mkdirSync(task.folder, { recursive: true })
const cpu = process.cpuUsage()
const start = performance.now()
await acts[task.act](task)
const seconds = (performance.now() - start) / 1000
const { system, user } = process.cpuUsage(cpu)
const states = readdirSync(task.folder).filter((name) => name.startsWith("state."))
process.send?.({
  seconds,
  cpuSeconds: (user + system) / 1e6,
  peakBytes: process.resourceUsage().maxRSS * 1024,
  stateBytes: states.reduce((sum, name) => sum + statSync(join(task.folder, name)).size, 0)
} satisfies Measured)
process.disconnect?.()
process.exitCode = 0
setTimeout(() => process.exit(), 100)
