/**
 * The network between one worker and the database is cut, while the API still answers the worker.
 */
import { sleep } from "../Commands.ts"
import * as Network from "../Network.ts"
import * as Postgres from "../Postgres.ts"
import type { Scenario } from "../scenarios.ts"
import * as World from "../World.ts"

const cutFor =
  (milliseconds: number): Scenario["run"] =>
  async (cleanup) => {
    const database = await Postgres.make(cleanup)
    const world = await World.make(cleanup)
    const submission = world.submit(database.url)
    const spaces = [await Network.make(cleanup, 1), await Network.make(cleanup, 2)]
    for (const { host, within } of spaces) {
      world.work(database.url, {
        within,
        database: `postgres://postgres@${host}:${database.port}/jobs`,
        env: { ANTHROPIC_BASE_URL: `http://${host}:${world.emulator.port}` }
      })
    }
    await world.reach(0.2)
    const began = Date.now()
    await spaces[0]?.cut(database.port)
    await sleep(milliseconds)
    await spaces[0]?.heal()
    return await world.conclude(submission, [{ began, ended: Date.now(), concerned: 1 }])
  }

export const networkCut: Scenario = {
  about: "packets between one of two workers and the database are dropped for 60 s, while the API answers both",
  run: cutFor(60_000)
}

export const networkShort: Scenario = {
  about: "packets between one of two workers and the database are dropped for 12 s",
  run: cutFor(12_000)
}
