/**
 * A worker is frozen for longer than its lease, and wakes.
 */
import { join } from "node:path"
import { sleep } from "../Commands.ts"
import * as Postgres from "../Postgres.ts"
import type { Scenario } from "../scenarios.ts"
import * as World from "../World.ts"

const freezing =
  (options: World.WorkerOptions, most?: number): Scenario["run"] =>
  async (cleanup) => {
    const database = await Postgres.make(cleanup)
    // Rows of one chunk: the other workers take it as soon as the lease of the frozen one is over.
    const world = await World.make(cleanup, {}, 100)
    const submission = world.submit(database.url)
    const frozen = world.work(database.url, options)
    await world.reach(0.1)
    frozen.child.kill("SIGSTOP")
    const began = Date.now()
    for (let index = 1; index < world.workers; index++) world.work(database.url)
    await sleep(15_000)
    frozen.child.kill("SIGCONT")
    return await world.conclude(
      submission,
      [{ began, ended: Date.now(), concerned: 1 }],
      most === undefined ? {} : { most }
    )
  }

export const freeze: Scenario = {
  about: "a worker is frozen for 15 s",
  run: freezing({})
}

export const freezeWithoutFence: Scenario = {
  about: "a worker whose fence is switched off is frozen for 15 s: it pays for calls that other workers pay for too",
  run: freezing({ nodeFlags: ["--import", join(import.meta.dirname, "../../../bench/cluster/noFence.ts")] }, Infinity)
}
