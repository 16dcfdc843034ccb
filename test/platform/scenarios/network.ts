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
    const ended = Date.now()
    const isGood = await world.conclude(submission, [{ began, ended, concerned: 1 }])
    const address = spaces[0]?.address ?? ""
    const sent = world.emulator.requests.filter(({ at, from }) => from === address && at > began)
    const last = sent.findLast(({ at }) => at < ended)
    const next = sent.find(({ at }) => at >= ended)
    const seconds = (from: number, to: number | undefined) => (to === undefined ? "–" : ((to - from) / 1000).toFixed(1))
    World.say(
      `  the cut worker sent its last call ${seconds(began, last?.at)} s after the cut, and the next one ` +
        `${seconds(ended, next?.at)} s after its end`
    )
    // The lease is 9 s. A call that has passed the fence may need a moment to be sent.
    return isGood && (last === undefined || last.at - began < 9500)
  }

export const networkCut: Scenario = {
  about: "packets between one of two workers and the database are dropped for 60 s, while the API answers both",
  run: cutFor(60_000)
}

export const networkShort: Scenario = {
  about: "packets between one of two workers and the database are dropped for 12 s",
  run: cutFor(12_000)
}
