/**
 * A small job beside a large one on the same workers: how long its rows take alone, and while the large one runs. Times
 * begin with the submission and end with the last reply of the job, so that no start of a process is in them.
 */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import * as Cpu from "./cpu.ts"
import * as Database from "./database.ts"
import type { Job, World } from "./world.ts"

const rows = { small: 100, large: 20_000 }

/** The file of a job with this name. */
const fileOf = (world: World, name: string) => {
  const file = join(world.folder, `${name}.job.ts`)
  const original = JSON.stringify(join(import.meta.dirname, "two.job.ts"))
  writeFileSync(file, `import job from ${original}\nexport default { ...job, name: "${name}" }\n`)
  return file
}

/** Seconds from the submission of a job to its last reply. */
const time = (job: Job) =>
  Number(
    Database.query(
      job.database,
      `SELECT (MAX(c.stored_at) - MIN(s.began_at)) / 1000.0 FROM effect_claude_jobs j
        JOIN effect_claude_rows r ON r.job = j.id JOIN effect_claude_calls c ON c.row_id = r.id
        JOIN effect_claude_runs s ON s.job = j.id AND s.run = j.run WHERE j.name = '${job.name}'`
    )
  )

export const run = async (world: World, { inFlight }: { readonly inFlight: number }) => {
  const files = { small: fileOf(world, "small"), large: fileOf(world, "large") }
  const measure = async (isBeside: boolean) => {
    world.tell({ ask: "reset" })
    const database = world.postgres.create()
    const job = async (name: "small" | "large") => ({
      database,
      name,
      input: await world.input(rows[name]),
      file: files[name]
    })
    const [small, large] = [await job("small"), await job("large")]
    // The tables exist before the workers look.
    if (isBeside) world.submit(large)
    const workers = ["one", "other"].map((name) =>
      world.work(small, name, { inFlight, files: [files.large, files.small] })
    )
    await world.until(() => workers.every(({ printed }) => printed().includes("looks for rows")), "two workers wait")
    if (isBeside) {
      await world.until(async () => (await world.state()).answered > 8 * inFlight, "the large job runs")
    } else await setTimeout(2000)
    const before = (await world.state()).answered
    const idle = Cpu.idle()
    const submission = world.submit(small)
    await submission.ended
    const seconds = time(small)
    const others = (await world.state()).answered - before - 2 * rows.small
    const share = `${(100 * idle()).toFixed(0)} % of the machine idle`
    await world.clear()
    return { seconds, others, share }
  }
  const alone = await measure(false)
  console.log(`${rows.small} rows alone: ${alone.seconds.toFixed(2)} s; ${alone.share}`)
  const beside = await measure(true)
  const ratio = `${(beside.seconds / alone.seconds).toFixed(2)} × as long`
  console.log(
    `${rows.small} rows beside ${rows.large}: ${beside.seconds.toFixed(2)} s, ${ratio}; the large job had ${beside.others} calls meanwhile; ${beside.share}`
  )
}
