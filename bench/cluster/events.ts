/**
 * What happens when a worker is killed, joins late, is asked to leave, or is frozen. Times are medians, in seconds.
 */
import { setTimeout } from "node:timers/promises"
import { median } from "../median.ts"
import type { Job, World } from "./world.ts"

const show = (what: string, all: ReadonlyArray<number>) =>
  console.log(`${what}: ${median(all).toFixed(1)} s (${all.map((one) => one.toFixed(1)).join(", ")})`)

/** A job of this many rows in a new database, and the process that has submitted it. */
const submitted = async (world: World, rows: number): Promise<Job> => {
  const job = { database: world.postgres.create(), name: "bench", input: await world.input(rows) }
  const submission = world.submit(job)
  await world.until(() => submission.printed().includes("submitted"), "the job is submitted")
  return job
}

const isBusy = (world: World, name: string, calls: number) => async () =>
  ((await world.state()).workers[name]?.inFlight ?? 0) >= calls

/** From a SIGKILL until another worker repeats a call that the killed one had in flight. All chunks are given out. */
export const failover = async (world: World, times: number) => {
  const seconds: Array<number> = []
  for (let index = 0; index < times; index++) {
    world.tell({ ask: "reset" })
    world.tell({ ask: "latency", worker: "killed", milliseconds: 120_000 })
    const job = await submitted(world, 100)
    const killed = world.work(job, "killed")
    await world.until(isBusy(world, "killed", 100), "a worker has calls in flight")
    const other = world.work(job, "other")
    await world.until(() => other.printed().includes("looks for rows"), "another worker has joined")
    await setTimeout(3000 + 300 * index)
    const repeated = world.repeatOf("killed")
    killed.child.kill("SIGKILL")
    const at = Date.now()
    seconds.push(((await repeated) - at) / 1000)
    await world.clear()
  }
  show("failover, from SIGKILL to the first repeated call", seconds)
}

/** From the start of a process until its first call. */
export const late = async (world: World, times: number) => {
  const job = await submitted(world, 20_000)
  world.work(job, "first")
  await world.until(isBusy(world, "first", 1), "a worker works")
  const seconds: Array<number> = []
  for (let index = 0; index < times; index++) {
    const name = `late${index}`
    const worker = world.work(job, name, { inFlight: 8 })
    await world.until(isBusy(world, name, 1), "a late worker works")
    seconds.push((((await world.state()).workers[name]?.firstAt ?? NaN) - worker.startedAt) / 1000)
    worker.child.kill("SIGKILL")
  }
  show("a late worker, from the start of its process to its first call", seconds)
}

/** From the last answer to a worker until it has ended after a SIGTERM. */
export const drain = async (world: World, times: number) => {
  const job = await submitted(world, 20_000)
  const seconds: Array<number> = []
  for (let index = 0; index < times; index++) {
    const name = `drained${index}`
    const worker = world.work(job, name)
    await world.until(isBusy(world, name, 64), "a worker works")
    await setTimeout(1500)
    worker.child.kill("SIGTERM")
    await worker.ended
    const ended = Date.now()
    seconds.push((ended - ((await world.state()).workers[name]?.answeredAt ?? NaN)) / 1000)
  }
  const { repeated } = await world.state()
  show(`a drain, beyond the calls in flight (${repeated} calls repeated)`, seconds)
}

/** Calls that are paid twice where a worker is frozen for 15 s, and another one takes its chunks. */
export const frozen = async (world: World) => {
  for (const fence of ["with", "without"]) {
    world.tell({ ask: "reset" })
    const job = await submitted(world, 2000)
    const node = fence === "with" ? [] : ["--import", new URL("./noFence.ts", import.meta.url).href]
    const worker = world.work(job, "frozen", { node })
    await world.until(isBusy(world, "frozen", 100), "a worker works")
    world.work(job, "other")
    await world.until(isBusy(world, "other", 100), "another worker works")
    worker.child.kill("SIGSTOP")
    const inFlight = (await world.state()).workers["frozen"]?.inFlight
    await setTimeout(15_000)
    worker.child.kill("SIGCONT")
    await world.until(async () => (await world.state()).answered >= 4000, "all calls are answered")
    await setTimeout(3000)
    const { repeated } = await world.state()
    console.log(
      `a worker frozen for 15 s, ${fence} the fence: ${repeated} calls paid twice, ${inFlight} were in flight`
    )
    await world.clear()
  }
}
