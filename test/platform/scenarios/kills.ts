/**
 * Workers are killed and replaced, frozen, and drained, all over a run. `ROWS=20000 npm run platform -- kills` takes about
 * ten minutes on two cores. `WORKERS`, `KILLS`, `FREEZES`, `DRAINS`, `RPM` and `BUDGET` (as a multiple of what the calls
 * need, besides what is reserved for calls in flight at kills) change it, and `QUEUE=redis` lets Redis hand out the chunks.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Cleanup, type Running, sleep, start, until } from "../Commands.ts"
import type { Counts } from "../countingEmulator.ts"
import * as Postgres from "../Postgres.ts"
import * as Redis from "../Redis.ts"
import type { Scenario } from "../scenarios.ts"
import { say } from "../World.ts"

const number = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise)
const rows = number("ROWS", 2000)
const size = number("WORKERS", 4)
const planned = { kill: number("KILLS", 40), freeze: number("FREEZES", 10), drain: number("DRAINS", 10) }
/** So that the run lasts about eight minutes. */
const requestsPerMinute = number("RPM", Math.max(1500, Math.round((3 * rows) / 8)))
const generosity = number("BUDGET", 1.2)
/** What a budget reserves for a call at most, in US dollars: 100 tokens of the answer, and a token for each byte of its request. */
const reserved = 0.0025
const queue = process.env["QUEUE"]
const inFlight = 32
const frozenFor = 15_000

const root = new URL("../../..", import.meta.url).pathname
const main = ["--conditions=effect-claude-source", "--semi-space-growth-factor=1", join(root, "src/run/main.ts")]
const job = join(root, "test/platform/mails.job.ts")

interface Worker extends Running {
  readonly name: string
  isFrozen: boolean
}

/** An emulator that counts calls by worker. */
const emulate = async (cleanup: Cleanup, options: object) => {
  const script = join(root, "test/platform/countingEmulator.ts")
  const running = start(process.execPath, ["--conditions=effect-claude-source", script, JSON.stringify(options)])
  cleanup.add(() => running.stop("SIGKILL"))
  await until("the emulator listens", () => running.lines.length > 0)
  const url = running.lines[0]?.text ?? ""
  const counts = async (): Promise<Counts> => await (await fetch(`${url}/__counts`)).json()
  return { url, counts, stop: running.stop }
}

const run: Scenario["run"] = async (cleanup) => {
  const folder = mkdtempSync(join(tmpdir(), "platform-kills-"))
  cleanup.add(() => rmSync(folder, { recursive: true }))
  const [input, output, undisturbed] = ["mails.jsonl", "out.jsonl", "undisturbed.jsonl"].map((name) =>
    join(folder, name)
  )
  if (input === undefined || output === undefined || undisturbed === undefined) return false
  const mails = Array.from({ length: rows }, (_, index) => JSON.stringify({ id: index + 1, subject: `mail ${index}` }))
  writeFileSync(input, mails.join("\n"))
  const env = (url: string) => ({
    PATH: process.env["PATH"] ?? "",
    NODE_COMPILE_CACHE: join(root, "node_modules/.cache/node"),
    ANTHROPIC_API_KEY: "some-key",
    ANTHROPIC_BASE_URL: url
  })
  const command = (url: string, args: ReadonlyArray<string>) => {
    const running = start(process.execPath, [...main, ...args], { cwd: root, env: env(url) })
    cleanup.add(() => running.stop("SIGKILL"))
    return running
  }
  const problems: Array<string> = []
  const textOf = ({ lines }: Running) => lines.map(({ text }) => text).join("\n")

  const quiet = await emulate(cleanup, {})
  const alone = command(`${quiet.url}/alone`, ["run", job, "--input", input, "--output", undisturbed])
  if ((await alone.exited) !== 0) throw new Error(`the undisturbed run: ${textOf(alone)}`)
  const needed = await quiet.counts()
  await quiet.stop()
  const budget = (generosity * needed.spent + (planned.kill + size) * inFlight * reserved).toFixed(2)
  say(`  an undisturbed run: ${needed.billed} calls, ${needed.spent.toFixed(2)} USD; the budget is ${budget} USD`)

  const [database, redis] = await Promise.all([Postgres.make(cleanup), Redis.make(cleanup)])
  const faults = [
    { kind: 529, rate: 0.01 },
    { kind: "reset", rate: 0.01 }
  ]
  const emulator = await emulate(cleanup, { latency: 300, faults, limits: { requestsPerMinute } })
  const began = Date.now()
  const second = () => ((Date.now() - began) / 1000).toFixed(0)
  const queued = queue === "redis" ? ["--queue", redis.url] : []
  const submission = command(`${emulator.url}/run`, [
    ...["run", job, "--input", input, "--output", output, "--database", database.url, "--json"],
    ...["--budget", `${budget} USD`, ...queued]
  ])
  const workers = new Set<Worker>()
  let hired = 0
  const hire = () => {
    const name = `worker-${++hired}`
    const flags = [
      "--database",
      database.url,
      "--redis",
      redis.url,
      "--concurrency",
      String(inFlight),
      "--name",
      name,
      ...queued
    ]
    const worker = { ...command(`${emulator.url}/${name}`, ["worker", job, ...flags]), name, isFrozen: false }
    workers.add(worker)
    void worker.exited.then((code) => {
      if (workers.delete(worker)) problems.push(`${name} ended with ${code}: ${textOf(worker)}`)
    })
  }
  for (let index = 0; index < size; index++) hire()

  const events = shuffled(Object.entries(planned).flatMap(([kind, count]) => Array.from({ length: count }, () => kind)))
  /** What was in flight at kills and freezes: calls without a reply, and replies that were not stored. */
  const bound = { open: 0, unstored: 0 }
  const happened: Array<string> = []
  const drains: Array<number> = []
  const waking: Array<Promise<void>> = []
  for (const [index, kind] of events.entries()) {
    const share = (0.95 * (index + 1)) / (events.length + 1)
    let counts = await emulator.counts()
    while (counts.different < share * needed.billed || busy(workers, counts).length === 0) {
      if (submission.child.exitCode !== null) break
      await sleep(250)
      counts = await emulator.counts()
    }
    if (submission.child.exitCode !== null) break
    const worker = shuffled(busy(workers, counts))[0]
    if (worker === undefined) break
    happened.push(`${kind} at ${second()} s (${((100 * counts.different) / needed.billed).toFixed(0)} %)`)
    if (kind === "drain") {
      workers.delete(worker)
      const asked = Date.now()
      const code = await worker.stop("SIGTERM")
      drains.push(Date.now() - asked)
      if (code !== 0 && code !== 143) problems.push(`a drained worker ended with ${code}: ${textOf(worker)}`)
      hire()
      continue
    }
    if (kind === "kill") {
      workers.delete(worker)
      await worker.stop("SIGKILL")
    } else {
      worker.isFrozen = true
      worker.child.kill("SIGSTOP")
      waking.push(
        sleep(frozenFor).then(() => {
          worker.isFrozen = false
          worker.child.kill("SIGCONT")
        })
      )
    }
    const calls = (await emulator.counts()).workers[worker.name]
    // What it has sent to the database is committed by then.
    await sleep(500)
    const stored = Number(await database.query(storedBy(worker.name)))
    bound.open += calls?.inFlight ?? 0
    bound.unstored += Math.max(0, (calls?.replies ?? 0) - stored)
    if (kind === "kill") hire()
  }
  const atEnd = ((100 * (await emulator.counts()).different) / needed.billed).toFixed(0)
  say(
    `  ${happened.length} of ${events.length} events: ${happened.join(", ")}; ${atEnd} % of the calls were billed then`
  )
  if (happened.length < events.length) problems.push("the job ended before all events")
  await Promise.all(waking)
  await until("the job ends", () => submission.child.exitCode !== null, 600_000).catch((error) =>
    problems.push(String(error))
  )
  const minutes = (Date.now() - began) / 60_000
  for (const worker of workers) {
    workers.delete(worker)
    await worker.stop()
  }
  const counts = await emulator.counts()
  if (submission.child.exitCode !== 0) {
    problems.push(`the submission ended with ${submission.child.exitCode}: ${textOf(submission)}`)
  }
  const written = existsSync(output) ? readFileSync(output, "utf8") : ""
  const lines = written
    .trimEnd()
    .split("\n")
    .filter((line) => line !== "")
  const keys = new Set(lines.map((line) => JSON.parse(line).key)).size
  if (keys !== rows || lines.length !== rows) problems.push(`${lines.length} lines with ${keys} keys, not ${rows}`)
  const isEqual = written === readFileSync(undisturbed, "utf8")
  if (!isEqual) problems.push("the output differs from that of the undisturbed run")
  const again = counts.billed - needed.billed
  const most = bound.open + bound.unstored
  if (again > most) problems.push("more calls were paid again than were in flight")
  if (counts.different !== needed.billed) problems.push(`${counts.different} different calls`)
  if (counts.spent > Number(budget)) problems.push("the budget was exceeded")
  say(`  rows: ${keys} keys in ${lines.length} lines; the output is ${isEqual ? "equal" : "not equal"}`)
  say(
    `  billed minus needed: ${counts.billed} - ${needed.billed} = ${again}; in flight at ${planned.kill} kills and ` +
      `${planned.freeze} freezes: ${bound.open} without a reply, and ${bound.unstored} replies that were not stored`
  )
  const perThousand = (1000 * counts.refused) / counts.sent
  say(
    `  429s: ${counts.refused} of ${counts.sent} calls, ${perThousand.toFixed(2)} per 1,000, at ${requestsPerMinute} a minute`
  )
  say(`  spent ${counts.spent.toFixed(4)} USD of ${budget} USD`)
  say(`  the slowest of ${drains.length} drains took ${Math.max(0, ...drains)} ms, with calls of 300 ms`)
  say(`  wall time: ${minutes.toFixed(1)} minutes, with ${hired} workers in all, ${size} at once`)
  for (const problem of problems) say(`  PROBLEM: ${problem}`)
  return problems.length === 0
}

/** Counts the replies that a worker has stored. */
const storedBy = (worker: string) =>
  `SELECT COUNT(*) FROM effect_claude_calls WHERE run IN (
     SELECT run FROM effect_claude_runs WHERE settings::json ->> 'worker' = '${worker}')`

/** The workers that have calls in flight. */
const busy = (workers: Iterable<Worker>, counts: Counts) =>
  Array.from(workers).filter(({ isFrozen, name }) => !isFrozen && (counts.workers[name]?.inFlight ?? 0) > 0)

const shuffled = <A>(items: ReadonlyArray<A>): Array<A> =>
  items
    .map((item) => ({ item, place: Math.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item)

export const kills: Scenario = {
  about:
    "workers are killed and replaced, frozen for 15 s, and drained, spread over a run with a rate limit and a budget",
  run
}
