/**
 * The wall clocks of the machines differ, and one of them jumps. It needs libfaketime (Debian: faketime). A step of the
 * clock of the database's host cannot be tried here.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { run, sleep } from "../Commands.ts"
import * as Postgres from "../Postgres.ts"
import type { Scenario } from "../scenarios.ts"
import * as World from "../World.ts"

const library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"

/** The environment of a program whose wall clock differs. Its monotonic clock stays true. */
const shifted = (offset: string) => ({
  LD_PRELOAD: library,
  FAKETIME: offset,
  FAKETIME_DONT_FAKE_MONOTONIC: "1",
  DONT_FAKE_MONOTONIC: "1"
})

/** Whether Node sees a wall clock that differs, and a monotonic clock that does not. */
const check = async () => {
  if (!existsSync(library)) throw new Error("libfaketime is missing: apt-get install faketime")
  const program =
    "const t = performance.now(); setTimeout(() => console.log(JSON.stringify([Date.now(), performance.now() - t])), 1000)"
  const [wall, passed] = JSON.parse(
    await run(process.execPath, ["-e", program], { env: { ...process.env, ...shifted("+5m") } })
  )
  World.say(
    `  a shifted Node is ${((wall - Date.now()) / 1000).toFixed(0)} s ahead; a second took ${passed.toFixed(0)} ms`
  )
}

export const clocks: Scenario = {
  about: "the wall clock of one worker is 5 minutes ahead, that of another 5 minutes behind; a third is killed",
  run: async (cleanup) => {
    await check()
    const database = await Postgres.make(cleanup)
    const world = await World.make(cleanup)
    const submission = world.submit(database.url)
    world.work(database.url, { name: "ahead", env: shifted("+5m") })
    world.work(database.url, { name: "behind", env: shifted("-5m") })
    const third = world.work(database.url, { name: "right" })
    await world.reach(0.3)
    const began = Date.now()
    await third.stop("SIGKILL")
    return await world.conclude(submission, [{ began, ended: began, concerned: 1 }])
  }
}

export const clockJumps: Scenario = {
  about: "the wall clock of one of two workers jumps 10 minutes ahead, then 20 minutes back",
  run: async (cleanup) => {
    await check()
    const database = await Postgres.make(cleanup)
    const world = await World.make(cleanup)
    const submission = world.submit(database.url)
    const folder = mkdtempSync(join(tmpdir(), "platform-clock-"))
    cleanup.add(() => rmSync(folder, { recursive: true }))
    const clock = join(folder, "clock")
    writeFileSync(clock, "+0\n")
    const { FAKETIME: _, ...preload } = shifted("")
    world.work(database.url, {
      name: "jumps",
      env: { ...preload, FAKETIME_TIMESTAMP_FILE: clock, FAKETIME_NO_CACHE: "1" }
    })
    world.work(database.url, { name: "right" })
    await world.reach(0.2)
    const began = Date.now()
    writeFileSync(clock, "+10m\n")
    await sleep(10_000)
    writeFileSync(clock, "-10m\n")
    await sleep(10_000)
    return await world.conclude(submission, [{ began, ended: Date.now(), concerned: 0 }])
  }
}
