/**
 * Works through the rows with one subject in a separate process. It starts at the message `go`, and at every message
 * reports how far it is.
 */
import { type Amounts, type Row, rows } from "./rows.ts"

/** The argument of the process. */
export interface Task {
  readonly subject: string
  /** Calls at once; ours has a default. */
  readonly concurrency: number | undefined
  /** The checkout of the subject, if it is ours. */
  readonly root: string | undefined
  readonly url: string
  readonly mix: string
  readonly fit: Amounts
  /** Of the server, for a subject whose user looks them up. */
  readonly limits: Amounts
  /** Takes every n-th row, from this one on. */
  readonly part: readonly [from: number, every: number]
  readonly redis: string | undefined
}

/** Called at the end of a row. */
export type Done = (answered: boolean) => void

/** Works through the rows, and returns when the last one is done. */
export type Subject = (task: Task, rows: ReadonlyArray<Row>, done: Done) => Promise<unknown>

/** `finished` is the time at which no row was left, in milliseconds since 1970. */
export interface Progress {
  readonly answered: number
  readonly lost: number
  readonly finished: number | undefined
}

const task: Task = JSON.parse(process.argv[2] ?? "")
const [from, every] = task.part
const all = rows(task.mix, task.fit).filter((_, row) => row % every === from)
const subject: Subject =
  task.root === undefined
    ? await (await import("./others.ts")).load(task.subject)
    : (await (await import("./ours.ts")).load(task.root)).subject

let progress: Progress = { answered: 0, lost: 0, finished: undefined }
process.on("message", async (message) => {
  if (message !== "go") return process.send?.(progress)
  await subject(task, all, (answered) => {
    const { lost } = progress
    progress = answered ? { ...progress, answered: progress.answered + 1 } : { ...progress, lost: lost + 1 }
  })
  progress = { ...progress, finished: Date.now() }
})
process.send?.("ready")
