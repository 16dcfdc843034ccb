/**
 * `npm run bench -- rateShared [--processes N]… [--mix NAME] [--minutes N] [--event outage|kill] [--server stand-in]`
 * measures processes that share one rate limit through a Redis of their own, against the emulator.
 *
 * `share`: how much of the binding limit they used together, from the 10th second on. `slowest`: the answers of the
 * slowest process, divided by an equal part of all. With `outage`, Redis is killed after a third of the time, and an
 * empty one is started after two thirds. With `kill`, one process is killed after half of the time.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { setTimeout } from "node:timers/promises"
import { resolve } from "node:path"
import { parseArgs } from "node:util"
import * as Meter from "./rate/meter.ts"
import { ask, start } from "./rate/processes.ts"
import { fitting } from "./rate/rows.ts"
import { usual } from "./rate/standIn.ts"
import type { Progress } from "./rate/worker.ts"

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    processes: { type: "string", multiple: true, default: ["2", "4"] },
    mix: { type: "string", default: "requests" },
    minutes: { type: "string", default: "3" },
    event: { type: "string" },
    server: { type: "string" }
  }
})
const minutes = Number(values.minutes)
const time = minutes * 60_000
const server = values.server === "stand-in" ? "stand-in" : "emulator"

const children: Array<ChildProcess> = []

const startRedis = async (port: number) => {
  const child = spawn("redis-server", ["--port", String(port), "--save", "", "--appendonly", "no"])
  children.push(child)
  for await (const line of child.stdout) if (String(line).includes("Ready to accept connections")) break
  return child
}

const startAll = async (processes: number, redis: string) => {
  const served = await start("./server.ts", { server, variant: usual })
  children.push(served.child)
  const workers: Array<ChildProcess> = []
  for (let part = 0; part < processes; part++) {
    const { child } = await start("./worker.ts", {
      subject: "effect-claude",
      mix: values.mix,
      concurrency: undefined,
      root: resolve(import.meta.dirname, ".."),
      url: served.message,
      // One process alone could use the whole limit, so no process runs out of work before the time is over.
      fit: fitting(usual, minutes * processes),
      limits: usual.limits,
      part: [part, processes],
      redis
    })
    children.push(child)
    workers.push(child)
  }
  return { workers, state: () => ask<Meter.State>(served.child) }
}

const answersOf = (workers: ReadonlyArray<ChildProcess>) =>
  Promise.all(workers.map(async (worker) => (await ask<Progress>(worker)).answered))

const describe = (name: string, from: Meter.State, to: Meter.State) => {
  const { binding, refusalsPerThousand, share } = Meter.use(from, to)
  return `${name}: share ${share.toFixed(3)} of ${binding}, ${refusalsPerThousand.toFixed(1)} 429s per 1,000`
}

const measure = async (processes: number) => {
  const port = 20_000 + (process.pid % 10_000)
  const redis = await startRedis(port)
  const { state, workers } = await startAll(processes, `redis://127.0.0.1:${port}`)
  const began = Date.now()
  const until = (elapsed: number) => setTimeout(Math.max(0, began + elapsed - Date.now()))
  for (const worker of workers) worker.send("go")
  await until(10_000)
  const early = await state()
  const lines: Array<string> = []
  let last = early
  const phase = async (name: string, end: number) => {
    await until(end)
    const now = await state()
    lines.push(describe(name, last, now))
    last = now
  }

  if (values.event === "outage") {
    await phase("with Redis", time / 3)
    redis.kill("SIGKILL")
    await phase("without Redis", (2 * time) / 3)
    await startRedis(port)
    await phase("with an empty Redis", time)
  } else if (values.event === "kill") {
    await phase("before the kill", time / 2)
    workers.shift()?.kill("SIGKILL")
    const seconds: Array<number> = []
    for (let second = 0; second < 20; second++) {
      const { answers } = await state()
      await setTimeout(1000)
      seconds.push((await state()).answers - answers)
    }
    lines.push(`answers in each second after the kill: ${seconds.join(" ")}`)
    await phase("after the kill", time)
  } else await until(time)

  const counts = await answersOf(workers)
  const fair = counts.reduce((sum, count) => sum + count, 0) / counts.length
  const slowest = (Math.min(...counts) / fair).toFixed(3)
  console.log(
    `${describe(`${processes} processes, ${values.mix}`, early, await state())}, slowest ${slowest} (${counts.join(" ")})`
  )
  for (const line of lines) console.log(`  ${line}`)
  for (const child of children.splice(0)) child.kill("SIGKILL")
}

try {
  for (const processes of values.processes) await measure(Number(processes))
} finally {
  for (const child of children) child.kill("SIGKILL")
}
