/**
 * PostgreSQL restarts while workers run: in order, and as after a crash.
 */
import { sleep } from "../Commands.ts"
import * as Postgres from "../Postgres.ts"
import type { Scenario } from "../scenarios.ts"
import * as World from "../World.ts"

const restarting =
  (mode: "fast" | "immediate", pause: number): Scenario["run"] =>
  async (cleanup) => {
    const database = await Postgres.make(cleanup)
    const world = await World.make(cleanup)
    const submission = world.submit(database.url)
    for (let index = 0; index < world.workers; index++) world.work(database.url)
    await world.reach(0.3)
    const began = Date.now()
    await database.stop(mode)
    await sleep(pause)
    await database.start()
    return await world.conclude(submission, [{ began, ended: Date.now(), concerned: world.workers }])
  }

export const restartFast: Scenario = {
  about: "PostgreSQL restarts in order, and is away for 3 s",
  run: restarting("fast", 3000)
}

export const restartCrash: Scenario = {
  about: "PostgreSQL crashes, and is away for 20 s",
  run: restarting("immediate", 20_000)
}

export const restartSubmitting: Scenario = {
  about: "PostgreSQL crashes while a large job is submitted, and again while it is watched",
  run: async (cleanup) => {
    const database = await Postgres.make(cleanup)
    const world = await World.make(cleanup)
    const first = world.submit(database.url)
    while (first.child.exitCode === null && !(await hasBegun(database))) await sleep(5)
    const began = Date.now()
    await database.stop("immediate")
    await database.start()
    const ended = Date.now()
    await sleep(3000)
    World.say(`  the submission ${first.child.exitCode === null ? "continues" : `ended with ${first.child.exitCode}`}`)
    const submission = first.child.exitCode === null ? first : world.submit(database.url)
    for (const { text } of first === submission ? [] : first.lines) World.say(`  first run: ${text}`)
    for (let index = 0; index < world.workers; index++) world.work(database.url)
    await world.reach(0.3)
    const again = Date.now()
    await database.stop("immediate")
    await database.start()
    return await world.conclude(submission, [
      { began, ended, concerned: 0 },
      { began: again, ended: Date.now(), concerned: world.workers }
    ])
  }
}

/** Whether a submission stores rows at this moment. */
const hasBegun = async ({ query }: Postgres.Server) =>
  (await query(
    "SELECT count(*) FROM pg_stat_activity WHERE query ILIKE '%effect_claude_rows%' AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
  ).catch(() => "0")) !== "0"
