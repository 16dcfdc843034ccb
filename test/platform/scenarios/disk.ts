/**
 * The disk of the database is full. It needs root, for a small file system in memory.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { run, sleep } from "../Commands.ts"
import * as Postgres from "../Postgres.ts"
import type { Scenario } from "../scenarios.ts"
import * as World from "../World.ts"

const filling =
  (where: "the data" | "the log"): Scenario["run"] =>
  async (cleanup) => {
    const folder = mkdtempSync(join(tmpdir(), "platform-disk-"))
    cleanup.add(() => rmSync(folder, { recursive: true, force: true }))
    await run("mount", ["-t", "tmpfs", "-o", "size=300m,mode=777", "tmpfs", folder])
    cleanup.add(() => run("umount", ["-l", folder]))
    const settings = { max_wal_size: "64MB", min_wal_size: "32MB" }
    const database = await Postgres.make(
      cleanup,
      where === "the log" ? { folder: join(folder, "data"), settings } : { settings }
    )
    if (where === "the data") {
      await run("chown", ["postgres", folder])
      await database.query(`CREATE TABLESPACE small LOCATION '${folder}'`)
      await run("psql", [
        "-h",
        "127.0.0.1",
        "-p",
        String(database.port),
        "-U",
        "postgres",
        "-d",
        "postgres",
        "-c",
        "ALTER DATABASE jobs SET TABLESPACE small"
      ])
    }
    const world = await World.make(cleanup)
    const submission = world.submit(database.url)
    for (let index = 0; index < world.workers; index++) world.work(database.url)
    await world.reach(0.3)
    const began = Date.now()
    const ballast = join(folder, "ballast")
    await run("sh", ["-c", `dd if=/dev/zero of=${ballast} bs=64k 2>/dev/null || true`])
    await sleep(30_000)
    const running = await database.query("SELECT 1").catch((error) => String(error).split("\n").at(-2))
    World.say(`  with a full disk, the server answers: ${running}`)
    rmSync(ballast)
    if (running !== "1") await database.start().catch(() => undefined)
    return await world.conclude(submission, [{ began, ended: Date.now(), concerned: world.workers }])
  }

export const diskFull: Scenario = {
  about: "the file system with the tables of the database is full for 30 s",
  run: filling("the data")
}

export const diskFullLog: Scenario = {
  about: "the file system with all of the database, also its log, is full for 30 s, so that the server crashes",
  run: filling("the log")
}
