/**
 * The role of the workers loses its rights, or its password is changed, and it gets them back.
 */
import { sleep } from "../Commands.ts"
import * as Postgres from "../Postgres.ts"
import type { Scenario } from "../scenarios.ts"
import * as World from "../World.ts"

const changing =
  (lose: string, restore: string): Scenario["run"] =>
  async (cleanup) => {
    const database = await Postgres.make(cleanup)
    const url = await Postgres.asOwner(database)
    const world = await World.make(cleanup)
    const submission = world.submit(url)
    for (let index = 0; index < world.workers; index++) world.work(url)
    await world.reach(0.3)
    const began = Date.now()
    await database.query(lose)
    await sleep(15_000)
    await database.query(restore)
    return await world.conclude(submission, [{ began, ended: Date.now(), concerned: world.workers }])
  }

export const password: Scenario = {
  about: "the password of the role is changed and its connections are closed; 15 s later the old one works again",
  run: changing(
    "ALTER ROLE app PASSWORD 'other'; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'",
    "ALTER ROLE app PASSWORD 'secret'"
  )
}

export const rights: Scenario = {
  about: "the role may not write the replies any more; 15 s later it may",
  run: changing(
    "ALTER TABLE effect_claude_calls OWNER TO postgres; GRANT SELECT ON effect_claude_calls TO app",
    "ALTER TABLE effect_claude_calls OWNER TO app"
  )
}
