/**
 * Rows a second with 1, 2 and 4 workers beside the ideal, and what a row costs: CPU time and commits, beside a job on an
 * SQLite file.
 */
import { setTimeout } from "node:timers/promises"
import * as Cpu from "./cpu.ts"
import * as Database from "./database.ts"
import type { Program, World } from "./world.ts"

/** What a period of full work took. CPU times are milliseconds a row. */
interface Figures {
  readonly rowsPerSecond: number
  readonly workers: number
  readonly database: number
  readonly api: number
  readonly idle: number
  readonly commits: number
}

const seconds = 12

/** Measures while `programs` work at full speed. */
const measure = async (
  world: World,
  programs: ReadonlyArray<Program>,
  database: string | undefined
): Promise<Figures> => {
  const read = async () => ({
    at: performance.now(),
    answered: (await world.state()).answered,
    workers: programs.reduce((all, { pid }) => all + Cpu.of(pid), 0),
    database: world.postgres.cpu(),
    api: Cpu.of(world.api.pid ?? 0),
    commits: database === undefined ? 0 : Database.commits(database)
  })
  const idle = Cpu.idle()
  const before = await read()
  await setTimeout(1000 * seconds)
  const after = await read()
  const rows = (after.answered - before.answered) / 2
  const perRow = (name: "workers" | "database" | "api" | "commits") => (after[name] - before[name]) / rows
  return {
    rowsPerSecond: (1000 * rows) / (after.at - before.at),
    workers: perRow("workers"),
    database: perRow("database"),
    api: perRow("api"),
    commits: perRow("commits"),
    idle: idle()
  }
}

export const run = async (
  world: World,
  { inFlight, latency }: { readonly inFlight: number; readonly latency: number }
) => {
  const ideal = (1000 * inFlight) / latency / 2
  const print = (name: string, workers: number, figures: Figures) =>
    console.log(
      [
        name.padEnd(22),
        `${figures.rowsPerSecond.toFixed(0)} rows/s`.padStart(11),
        `${(figures.rowsPerSecond / ideal / workers).toFixed(2)} × ideal`,
        `CPU ms a row: ${figures.workers.toFixed(2)} worker + ${figures.database.toFixed(2)} database = ${(figures.workers + figures.database).toFixed(2)}`,
        `${figures.commits.toFixed(2)} commits a row`,
        `API ${figures.api.toFixed(2)}`,
        `${(100 * figures.idle).toFixed(0)} % of the machine idle`
      ].join("  ")
    )
  const name = (workers: number) => `${workers} ${workers === 1 ? "worker" : "workers"}`
  const isFull = (workers: number) => async () => {
    const state = await world.state()
    return Object.values(state.workers).filter(({ answered }) => answered > 2 * inFlight).length === workers
  }
  console.log(
    `speed: ${latency} ms a call, ${inFlight} calls in flight a worker; the ideal is ${ideal.toFixed(0)} rows/s a worker`
  )
  const rows = (workers: number) => Math.ceil((ideal * workers * (seconds + 13)) / 1000) * 1000
  const local = world.run(await world.input(rows(1)), "local")
  await world.until(isFull(1), "the local job works")
  const alone = await measure(world, [local], undefined)
  print("1 process, SQLite", 1, { ...alone, database: 0, commits: 0 })
  await world.clear()
  for (const workers of [1, 2, 4]) {
    world.tell({ ask: "reset" })
    const job = { database: world.postgres.create(), name: "bench", input: await world.input(rows(workers)) }
    const submission = world.submit(job)
    await world.until(() => submission.printed().includes("submitted"), "the job is submitted")
    const programs = Array.from({ length: workers }, (_, index) => world.work(job, `worker${index}`))
    await world.until(isFull(workers), "all workers work")
    const figures = await measure(world, programs, job.database)
    print(name(workers), workers, figures)
    const ratio = (figures.workers + figures.database) / alone.workers
    console.log(
      `${" ".repeat(24)}CPU a row ${ratio.toFixed(2)} × the local job; ${(await world.state()).repeated} calls repeated`
    )
    await world.clear()
  }
}
