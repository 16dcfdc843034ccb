/**
 * The primary of an asynchronous replication is lost, and its standby takes its address.
 */
import { sleep } from "../Commands.ts"
import * as Postgres from "../Postgres.ts"
import * as Proxy from "../Proxy.ts"
import type { Scenario } from "../scenarios.ts"
import * as World from "../World.ts"

/** `lag` is the time for which the standby receives nothing before the primary is lost, in milliseconds. */
const failingOver =
  (lag: number, isSilent: boolean): Scenario["run"] =>
  async (cleanup) => {
    const primary = await Postgres.make(cleanup)
    const standby = await Postgres.make(cleanup, { standbyOf: primary })
    const proxy = await Proxy.make(cleanup, primary.port)
    const url = `postgres://postgres@127.0.0.1:${proxy.port}/jobs`
    const world = await World.make(cleanup)
    const submission = world.submit(url)
    for (let index = 0; index < world.workers; index++) world.work(url)
    await world.reach(0.3)
    await standby.query("ALTER SYSTEM SET primary_conninfo = ''")
    await standby.query("SELECT pg_reload_conf()")
    const before = world.emulator.billed()
    await sleep(lag)
    const began = Date.now()
    const lost = world.emulator.billed() - before
    if (isSilent) proxy.silence()
    await primary.stop("immediate")
    await standby.promote()
    proxy.switchTo(standby.port)
    if (!isSilent) proxy.close()
    World.say(`  ${lost} calls were billed in the ${lag / 1000} s that the standby did not receive`)
    return await world.conclude(submission, [{ began, ended: Date.now(), concerned: world.workers }], {
      most: lost + 2 * world.workers * World.inFlight
    })
  }

export const failover: Scenario = {
  about: "PostgreSQL fails over to an asynchronous standby that lacks the commits of the last 3 s",
  run: failingOver(3000, false)
}

export const failoverSilent: Scenario = {
  about: "PostgreSQL fails over to a standby, and the connections to the lost primary stay open without an answer",
  run: failingOver(0, true)
}
