/**
 * The processes of the bench `cluster`: the API, the database, submissions and workers, all by the command line.
 */
import { type ChildProcess, fork, spawn } from "node:child_process"
import { once } from "node:events"
import { createWriteStream, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { finished } from "node:stream/promises"
import { setTimeout } from "node:timers/promises"
import type { Question, State } from "./api.ts"
import * as Database from "./database.ts"

const root = resolve(import.meta.dirname, "../..")
const main = ["--conditions=effect-claude-source", "--semi-space-growth-factor=1", join(root, "src/run/main.ts")]

/** A process of the command line, with what it has printed. */
export interface Program {
  readonly child: ChildProcess
  readonly pid: number
  /** When it was started, in milliseconds since 1970. */
  readonly startedAt: number
  readonly ended: Promise<unknown>
  readonly printed: () => string
}

export interface Job {
  readonly database: string
  readonly name: string
  readonly input: string
  /** The file of the job; by default that of two calls a row. */
  readonly file?: string
}

export interface World {
  readonly folder: string
  readonly postgres: Database.Server
  readonly api: ChildProcess
  readonly state: () => Promise<State>
  readonly tell: (question: Question) => void
  /** When another worker makes a call that `worker` has in flight now. */
  readonly repeatOf: (worker: string) => Promise<number>
  readonly input: (rows: number) => Promise<string>
  readonly submit: (job: Job) => Program
  readonly work: (job: Job, name: string, options?: WorkerOptions) => Program
  /** Runs a job in one process on an SQLite file. */
  readonly run: (input: string, name: string) => Program
  readonly until: (condition: () => Promise<boolean> | boolean, what: string) => Promise<void>
  /** Ends all programs. */
  readonly clear: () => Promise<void>
  readonly stop: () => Promise<void>
}

export interface WorkerOptions {
  readonly inFlight?: number
  /** The files of its jobs; by default that of the given job. */
  readonly files?: ReadonlyArray<string>
  readonly node?: ReadonlyArray<string>
}

export interface Options {
  readonly latency: number
  readonly inFlight: number
  /** Flags of submissions and workers, such as `--queue redis://…`. */
  readonly flags: ReadonlyArray<string>
}

export const make = async ({ flags, inFlight, latency }: Options): Promise<World> => {
  const folder = mkdtempSync(join(tmpdir(), "effect-claude-bench-"))
  const postgres = await Database.start()
  const api = fork(new URL("./api.ts", import.meta.url), [String(latency)])
  const [{ url }] = await once(api, "message")
  const running = new Set<Program>()
  const inputs = new Map<number, Promise<string>>()

  const start = (
    args: ReadonlyArray<string>,
    env: Record<string, string>,
    node: ReadonlyArray<string> = []
  ): Program => {
    const child = spawn(process.execPath, [...node, ...main, ...args], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ANTHROPIC_API_KEY: "key",
        NODE_COMPILE_CACHE: join(folder, "compiled"),
        PATH: process.env["PATH"] ?? "",
        ...env
      }
    })
    let printed = ""
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (printed += data))
    const ended = once(child, "exit")
    const program = { child, pid: child.pid ?? 0, startedAt: Date.now(), ended, printed: () => printed }
    running.add(program)
    ended.then(([code]) => {
      running.delete(program)
      if (code !== 0 && code !== null) console.error(`a process ended with code ${code}: ${printed}`)
    })
    return program
  }
  const writeInput = async (rows: number) => {
    const path = join(folder, `${rows}.jsonl`)
    const file = createWriteStream(path)
    const question = "Why is the sky blue? ".repeat(10)
    for (let number = 1; number <= rows; number++) {
      const line = `${JSON.stringify({ id: `${number}`.padStart(8, "0"), question })}\n`
      if (!file.write(line)) await once(file, "drain")
    }
    file.end()
    await finished(file)
    return path
  }
  const two = join(import.meta.dirname, "two.job.ts")
  const envOf = ({ input, name }: Omit<Job, "database">) => ({ BENCH_INPUT: input, BENCH_JOB: name })
  const tell = (question: Question) => void api.send(question)
  const clear = async () => {
    const all = [...running]
    for (const { child } of all) child.kill("SIGKILL")
    await Promise.all(all.map(({ ended }) => ended))
  }
  return {
    folder,
    postgres,
    api,
    tell,
    state: async () => {
      tell({ ask: "state" })
      const [state] = await once(api, "message")
      return state
    },
    repeatOf: async (worker) => {
      tell({ ask: "first", of: worker })
      const [{ first }] = await once(api, "message")
      return first
    },
    input: (rows) => {
      const known = inputs.get(rows) ?? writeInput(rows)
      inputs.set(rows, known)
      return known
    },
    submit: ({ database, file = two, ...given }) =>
      start(
        ["run", file, "--database", database, "--output", join(folder, `${given.name}.jsonl`), "--yes", ...flags],
        envOf(given)
      ),
    work: ({ database, file = two, ...given }, name, options = {}) =>
      start(
        [
          "worker",
          ...(options.files ?? [file]),
          "--database",
          database,
          "--concurrency",
          String(options.inFlight ?? inFlight),
          ...flags
        ],
        { ...envOf(given), ANTHROPIC_BASE_URL: `${url}/${name}` },
        options.node
      ),
    run: (input, name) =>
      start(["run", two, "--concurrency", String(inFlight), "--output", join(folder, `${name}.jsonl`), "--yes"], {
        ...envOf({ input, name }),
        ANTHROPIC_BASE_URL: `${url}/${name}`
      }),
    until: async (condition, what) => {
      for (let attempt = 0; !(await condition()); attempt++) {
        if (attempt > 1800) {
          for (const { printed } of running) console.error(printed())
          throw new Error(`waited 90 s until ${what}`)
        }
        await setTimeout(50)
      }
    },
    clear,
    stop: async () => {
      await clear()
      api.kill()
      await postgres.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
