/**
 * A job of three steps on several workers, and the checks that every scenario makes at its end: each row once, an output
 * that equals that of an undisturbed run, and few calls that were paid for again.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Cleanup, type Running, start, until } from "./Commands.ts"
import * as Emulated from "./Emulated.ts"

const { ROWS = "900", WORKERS = "3" } = process.env

/** Calls that a worker has in flight at most. */
export const inFlight = 8

const root = new URL("../..", import.meta.url).pathname
const main = ["--conditions=effect-claude-source", join(root, "src/run/main.ts")]

export interface WorkerOptions {
  readonly name?: string
  readonly database?: string
  readonly flags?: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  /** A program that starts the worker, with its arguments, such as `ip netns exec one`. */
  readonly within?: ReadonlyArray<string>
  /** Further flags of Node. */
  readonly nodeFlags?: ReadonlyArray<string>
}

export interface Worker extends Running {
  readonly name: string
}

/** What a failure did. Times are in milliseconds since 1970. */
export interface Failure {
  readonly began: number
  readonly ended: number
  /** The workers that the failure concerned. */
  readonly concerned: number
}

/** Prints something about the scenario. */
export const say = (text: string) => void process.stdout.write(`${text}\n`)

/** Starts the emulator of a scenario, and makes the files of its job. */
export const make = async (cleanup: Cleanup, env: Readonly<Record<string, string>> = {}, rows = Number(ROWS)) => {
  const folder = mkdtempSync(join(tmpdir(), "platform-job-"))
  cleanup.add(() => rmSync(folder, { recursive: true }))
  const input = join(folder, "mails.jsonl")
  const lines = Array.from({ length: rows }, (_, index) => JSON.stringify({ id: index + 1, subject: `mail ${index}` }))
  writeFileSync(input, lines.join("\n"))
  const output = join(folder, "out.jsonl")
  const emulator = await Emulated.make(cleanup, env)
  const job = join(root, "test/run/threeSteps.job.ts")
  const jobEnv = {
    PATH: process.env["PATH"] ?? "",
    NODE_COMPILE_CACHE: join(root, "node_modules/.cache/node"),
    ANTHROPIC_BASE_URL: emulator.url,
    ANTHROPIC_API_KEY: "some-key",
    JOB_NAME: `three steps ${process.pid}`
  }
  const workers: Array<Worker> = []
  const runArgs = (out: string) => ["run", job, "--input", input, "--output", out]

  /** Starts a worker; its first call is not awaited. */
  const work = (database: string, options: WorkerOptions = {}): Worker => {
    const { env = {}, flags = [], nodeFlags = [], within: [program = process.execPath, ...before] = [] } = options
    const node = program === process.execPath ? [] : [process.execPath]
    const args = ["worker", job, "--database", options.database ?? database, "--concurrency", String(inFlight)]
    const running = start(program, [...before, ...node, ...nodeFlags, ...main, ...args, ...flags], {
      cwd: root,
      env: { ...jobEnv, ...env }
    })
    cleanup.add(() => running.stop("SIGKILL"))
    const worker = { ...running, name: options.name ?? `worker ${workers.length + 1}` }
    workers.push(worker)
    return worker
  }

  /** Submits the job, and watches it to its end. */
  const submit = (database: string) => {
    const running = start(process.execPath, [...main, ...runArgs(output), "--database", database], {
      cwd: root,
      env: jobEnv
    })
    cleanup.add(() => running.stop("SIGKILL"))
    return running
  }

  /** A run of one process, with another emulator and without a failure. */
  const undisturbed = async () => {
    const other = await Emulated.make(cleanup, { LATENCY: "0" })
    const out = join(folder, "undisturbed.jsonl")
    const env = { ...jobEnv, ANTHROPIC_BASE_URL: other.url }
    const running = start(process.execPath, [...main, ...runArgs(out)], { cwd: root, env })
    const code = await running.exited
    if (code !== 0) throw new Error(`the undisturbed run: ${running.lines.map(({ text }) => text).join("\n")}`)
    return readFileSync(out, "utf8")
  }

  /** Waits for the end of the job, checks it, and prints what the failures did. Returns whether all is well. */
  const conclude = async (
    submission: Running,
    failures: ReadonlyArray<Failure>,
    { longest = 300_000, most }: { readonly longest?: number; readonly most?: number } = {}
  ): Promise<boolean> => {
    const problems: Array<string> = []
    const began = Date.now()
    await until("the job ends", () => submission.child.exitCode !== null, longest).catch((error) => {
      problems.push(String(error))
    })
    if (submission.child.exitCode !== 0) problems.push(`the submission ended with ${submission.child.exitCode}`)
    else {
      const written = readFileSync(output, "utf8")
      const keys = new Set(
        written
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line).key)
      )
      if (keys.size !== rows || written.trimEnd().split("\n").length !== rows) problems.push(`${keys.size} rows`)
      if (written !== (await undisturbed())) problems.push("the output differs from that of an undisturbed run")
    }
    const { billed, different } = await emulator.ledger()
    const needed = 3 * rows
    const again = billed - different
    const allowed = most ?? failures.reduce((sum, { concerned }) => sum + concerned * inFlight, 0)
    if (different !== needed) problems.push(`${different} different calls, ${needed} were needed`)
    if (again > allowed) problems.push(`${again} calls were paid for again, and at most ${allowed} were in flight`)
    for (const { began, ended } of failures) {
      const during = emulator.samples.filter(({ at }) => at >= began && at <= ended)
      const last = during.at(-1)
      const next = emulator.samples.find(({ at }) => at > ended)
      const calls = (last?.billed ?? 0) - (emulator.samples.findLast(({ at }) => at < began)?.billed ?? 0)
      const seconds = (from: number, to: number | undefined) =>
        to === undefined ? "–" : ((to - from) / 1000).toFixed(1)
      say(
        `  the failure took ${seconds(began, ended)} s; ${Math.max(0, calls)} calls were billed meanwhile, ` +
          `the last after ${seconds(began, last?.at)} s; the next one ${seconds(ended, next?.at)} s after its end`
      )
    }
    say(`  ${billed} calls billed, ${needed} needed, ${again} paid for again (at most ${allowed} may be)`)
    const first = failures[0]?.began ?? began
    for (const { lines, name } of [...workers, { lines: submission.lines, name: "run" }]) {
      for (const { at, text } of lines) {
        const isProgress = name === "run" && /rows done/.test(text)
        if (text !== "loaded" && !isProgress)
          say(`  ${name} ${((at - first) / 1000).toFixed(1)} s: ${text.replace(jobEnv.JOB_NAME, "job")}`)
      }
    }
    for (const worker of workers) {
      const stopping = Date.now()
      const late = setTimeout(() => worker.child.kill("SIGKILL"), 20_000)
      worker.child.kill("SIGCONT")
      await worker.stop()
      clearTimeout(late)
      if (worker.child.signalCode === "SIGKILL" && worker.child.killed && Date.now() - stopping > 19_000)
        problems.push(`${worker.name} did not end within 20 s of SIGTERM`)
      else if (Date.now() - stopping > 5000) say(`  ${worker.name} needed ${Date.now() - stopping} ms to end`)
    }
    for (const problem of problems) say(`  PROBLEM: ${problem}`)
    return problems.length === 0
  }

  /** Waits until this share of the calls is billed. */
  const reach = async (share: number) =>
    await until(`${share} of the calls`, () => emulator.billed() >= share * 3 * rows, 180_000)

  return { emulator, work, submit, conclude, reach, rows, workers: Number(WORKERS), jobEnv, job, root }
}

export type World = Awaited<ReturnType<typeof make>>
