/**
 * Runs programs of this machine: servers, and the tools that set them up. A program that fails shows its output.
 */
import { type ChildProcess, execFile, spawn, type SpawnOptions } from "node:child_process"
import { once } from "node:events"
import { promisify } from "node:util"

const exec = promisify(execFile)

/** Runs a program to its end, and returns its output. */
export const run = async (program: string, args: ReadonlyArray<string>, options: SpawnOptions = {}) => {
  const { cwd, env, gid, uid } = options
  const { stdout } = await exec(program, [...args], {
    ...(cwd !== undefined && { cwd: String(cwd) }),
    ...(env !== undefined && { env }),
    ...(gid !== undefined && { gid }),
    ...(uid !== undefined && { uid })
  })
  return String(stdout).trim()
}

/** Whether this machine has a program. */
export const has = async (program: string): Promise<boolean> =>
  await run("sh", ["-c", `command -v ${program}`]).then(
    () => true,
    () => false
  )

/** A program that runs until it is stopped, and the lines that it prints. */
export interface Running {
  readonly child: ChildProcess
  readonly lines: Array<Line>
  readonly exited: Promise<number | null>
  /** Ends it, by default with SIGTERM, and returns its exit code. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<number | null>
}

/** A line of output, and when it came, in milliseconds since 1970. */
export interface Line {
  readonly at: number
  readonly text: string
}

/** Starts a program. */
export const start = (
  program: string,
  args: ReadonlyArray<string>,
  options: SpawnOptions & { readonly onLine?: (line: Line) => void } = {}
): Running => {
  const { onLine = () => undefined, ...rest } = options
  const child = spawn(program, [...args], { stdio: ["ignore", "pipe", "pipe"], ...rest })
  const lines: Array<Line> = []
  for (const stream of [child.stdout, child.stderr]) {
    let partial = ""
    stream?.setEncoding("utf8").on("data", (data: string) => {
      const parts = `${partial}${data}`.split("\n")
      partial = parts.pop() ?? ""
      for (const text of parts) {
        const line = { at: Date.now(), text }
        lines.push(line)
        onLine(line)
      }
    })
  }
  const exited = once(child, "exit").then(([code]) => (typeof code === "number" ? code : null))
  const stop = async (signal: NodeJS.Signals = "SIGTERM") => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return await exited
  }
  return { child, lines, exited, stop }
}

/** Waits until a condition holds, and fails after a time in milliseconds. */
export const until = async (what: string, isMet: () => boolean | Promise<boolean>, longest = 60_000) => {
  const began = Date.now()
  while (!(await isMet())) {
    if (Date.now() - began > longest) throw new Error(`${what}: not within ${longest / 1000} s`)
    await sleep(100)
  }
}

export const sleep = async (milliseconds: number) => await new Promise((resolve) => setTimeout(resolve, milliseconds))

/** What a scenario has started, which ends with it, the latest first. */
export class Cleanup {
  readonly #tasks: Array<() => unknown> = []
  add(task: () => unknown) {
    this.#tasks.push(task)
  }
  async run() {
    for (const task of this.#tasks.toReversed()) await Promise.resolve(task()).catch(() => undefined)
  }
}
