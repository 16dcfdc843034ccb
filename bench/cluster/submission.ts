/**
 * Submissions of different sizes: rows a second, and the memory of the process while it submits and while it watches. Then
 * how long the queries take that a watch repeats every second.
 */
import { setTimeout } from "node:timers/promises"
import * as Cpu from "./cpu.ts"
import * as Database from "./database.ts"
import type { World } from "./world.ts"

export const run = async (world: World, sizes: ReadonlyArray<number>) => {
  console.log("submission: from the start of the process until all rows are stored, and until the queue has all chunks")
  for (const rows of sizes) {
    const job = { database: world.postgres.create(), name: `rows ${rows}`, input: await world.input(rows) }
    const before = world.postgres.cpu()
    const submission = world.submit(job)
    await world.until(() => /submitted/.test(submission.printed()), "the job is submitted")
    const stored = (Date.now() - submission.startedAt) / 1000
    const { most } = Cpu.memory(submission.pid)
    await world.until(() => / rows done/.test(submission.printed()), "the job is watched")
    const sent = (Date.now() - submission.startedAt) / 1000
    const cpu = { process: Cpu.of(submission.pid), database: world.postgres.cpu() }
    await setTimeout(10_000)
    const watching = (Cpu.of(submission.pid) - cpu.process) / 10
    const reading = (world.postgres.cpu() - cpu.database) / 10
    console.log(
      [
        `${rows} rows`.padEnd(14),
        `${stored.toFixed(1)} s`.padStart(7),
        `${(rows / stored).toFixed(0)} rows/s`.padStart(12),
        `all chunks after ${sent.toFixed(1)} s`,
        `CPU ${(cpu.process / 1000).toFixed(1)} s + ${((cpu.database - before) / 1000).toFixed(1)} s of the database`,
        `${most.toFixed(0)} MB at most, ${Cpu.memory(submission.pid).now.toFixed(0)} MB while it watches`,
        `watching takes ${watching.toFixed(0)} ms + ${reading.toFixed(0)} ms of the database a second`
      ].join("  ")
    )
    await world.clear()
    Database.query(job.database, "SELECT 1")
  }
}
