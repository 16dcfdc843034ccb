/**
 * Connections to the database: their number is limited, and a pooler is between. Needs pgbouncer (Debian: pgbouncer).
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Cleanup, sleep, start, until } from "../Commands.ts"
import * as Postgres from "../Postgres.ts"
import type { Scenario } from "../scenarios.ts"
import * as World from "../World.ts"

export const tooManyClients: Scenario = {
  about: "for 30 s, other clients hold all connections that the database allows, and the workers lose theirs",
  run: async (cleanup) => {
    const database = await Postgres.make(cleanup, {
      settings: { max_connections: 60, superuser_reserved_connections: 3 }
    })
    const url = await Postgres.asOwner(database)
    const world = await World.make(cleanup)
    const submission = world.submit(url)
    for (let index = 0; index < world.workers; index++) world.work(url)
    await world.reach(0.3)
    const began = Date.now()
    const env = { ...process.env, PGPASSWORD: "secret" }
    const hog = (): ReturnType<typeof start> =>
      start(
        "psql",
        ["-h", "127.0.0.1", "-p", String(database.port), "-U", "app", "-d", "jobs", "-c", "SELECT pg_sleep(600)"],
        { env }
      )
    let hogs = Array.from({ length: 57 }, hog)
    await sleep(1000)
    await database.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app' AND application_name LIKE 'effect-claude%'"
    )
    hogs = [...hogs, ...Array.from({ length: 57 }, hog)]
    cleanup.add(() => Promise.all(hogs.map(({ stop }) => stop("SIGKILL"))))
    await sleep(30_000)
    await Promise.all(hogs.map(({ stop }) => stop("SIGKILL")))
    await database.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
    )
    return await world.conclude(submission, [{ began, ended: Date.now(), concerned: world.workers }])
  }
}

/** Starts a pooler, and returns the address of the database behind it. */
const pooler = async (cleanup: Cleanup, database: Postgres.Server, mode: "session" | "transaction") => {
  const folder = mkdtempSync(join(tmpdir(), "platform-pooler-"))
  chmodSync(folder, 0o777)
  cleanup.add(() => rmSync(folder, { recursive: true, force: true }))
  const port = await Postgres.freePort()
  const file = join(folder, "pgbouncer.ini")
  const settings = {
    listen_addr: "127.0.0.1",
    listen_port: port,
    auth_type: "any",
    pool_mode: mode,
    default_pool_size: 60,
    unix_socket_dir: folder,
    ignore_startup_parameters: "extra_float_digits"
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
  const target = `jobs = host=127.0.0.1 port=${database.port} user=postgres dbname=jobs`
  writeFileSync(file, ["[databases]", target, "[pgbouncer]", ...lines, ""].join("\n"))
  const running = start("pgbouncer", [file], { ...(await Postgres.identity()) })
  cleanup.add(() => running.stop("SIGKILL"))
  await until("the pooler listens", () => running.lines.some(({ text }) => /process up/.test(text)), 10_000)
  return `postgres://postgres@127.0.0.1:${port}/jobs`
}

export const poolerSession: Scenario = {
  about: "a pooler in session mode is between the workers and the database, and restarts",
  run: async (cleanup) => {
    const database = await Postgres.make(cleanup)
    const url = await pooler(cleanup, database, "session")
    const world = await World.make(cleanup)
    const submission = world.submit(url)
    for (let index = 0; index < world.workers; index++) world.work(url)
    const began = Date.now()
    return await world.conclude(submission, [{ began, ended: began, concerned: 0 }])
  }
}

export const poolerTransaction: Scenario = {
  about:
    "a pooler in transaction mode is between: the lock of the job does not hold there, so workers and run must refuse",
  run: async (cleanup) => {
    const database = await Postgres.make(cleanup)
    const url = await pooler(cleanup, database, "transaction")
    const world = await World.make(cleanup)
    const submission = world.submit(url)
    const worker = world.work(url)
    const both = [submission, worker]
    await until("both end", () => both.every(({ child }) => child.exitCode !== null), 90_000).catch(() => undefined)
    for (const { lines } of both) for (const { text } of lines) World.say(`  ${text}`)
    World.say(`  codes: run ${submission.child.exitCode}, worker ${worker.child.exitCode}`)
    const isRefused = both.every(
      ({ child, lines }) => child.exitCode === 2 && lines.some(({ text }) => /transaction mode/.test(text))
    )
    return isRefused
  }
}
