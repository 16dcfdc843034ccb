/**
 * A private PostgreSQL server in a temp folder: the scenarios stop it, kill it, fill its disk and promote its standby.
 * It needs the programs of PostgreSQL 15 or later. As root, they run as the user `postgres`.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Cleanup, run } from "./Commands.ts"

/** How a server is started. */
export interface Options {
  /** The folder of its data; by default, a new one. */
  readonly folder?: string
  readonly settings?: Readonly<Record<string, string | number>>
  /** A running server, of which this one is a standby. */
  readonly standbyOf?: Server
}

export interface Server {
  readonly port: number
  readonly folder: string
  /** An address on this machine. */
  readonly url: string
  /** Runs statements of psql. */
  readonly query: (sql: string, user?: string) => Promise<string>
  readonly start: () => Promise<void>
  readonly stop: (mode: "fast" | "immediate") => Promise<void>
  readonly promote: () => Promise<void>
}

/** Starts a server with a database `jobs`. */
export const make = async (cleanup: Cleanup, { folder, settings = {}, standbyOf }: Options = {}): Promise<Server> => {
  const parent = mkdtempSync(join(tmpdir(), "platform-pg-"))
  const data = folder ?? join(parent, "data")
  const bin = await run("pg_config", ["--bindir"])
  const user = await identity()
  chmodSync(parent, 0o777)
  const as = { ...user, cwd: parent, env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C.UTF-8" } }
  const pg = async (program: string, ...args: ReadonlyArray<string>) => await run(join(bin, program), args, as)
  const port = await freePort()
  if (standbyOf === undefined) {
    await pg("initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync")
    const rules = ["local all all trust", "host all postgres all trust", "host replication all all trust"]
    writeFileSync(join(data, "pg_hba.conf"), [...rules, "host all all all scram-sha-256", ""].join("\n"))
  } else {
    await pg(
      "pg_basebackup",
      "-D",
      data,
      "-h",
      "127.0.0.1",
      "-p",
      String(standbyOf.port),
      "-U",
      "postgres",
      "-R",
      "--checkpoint=fast"
    )
  }
  const options = Object.entries({
    port,
    listen_addresses: "'*'",
    unix_socket_directories: `'${parent}'`,
    max_wal_senders: 4,
    ...settings
  })
  writeFileSync(
    join(data, "postgresql.auto.conf"),
    options.map(([name, value]) => `${name} = ${value}\n`).join("") +
      (standbyOf === undefined ? "" : `primary_conninfo = 'host=127.0.0.1 port=${standbyOf.port} user=postgres'\n`)
  )
  const log = join(parent, "log")
  const start = async () => void (await pg("pg_ctl", "-D", data, "-l", log, "-w", "-t", "120", "start"))
  const stop = async (mode: "fast" | "immediate") => void (await pg("pg_ctl", "-D", data, "-m", mode, "-w", "stop"))
  cleanup.add(async () => {
    await stop("immediate").catch(() => undefined)
    rmSync(parent, { recursive: true, force: true })
  })
  await start()
  const query = async (sql: string, role = "postgres") =>
    await run("psql", ["-h", "127.0.0.1", "-p", String(port), "-U", role, "-d", "jobs", "-Atqc", sql])
  if (standbyOf === undefined) await run("createdb", ["-h", "127.0.0.1", "-p", String(port), "-U", "postgres", "jobs"])
  const promote = async () => void (await pg("pg_ctl", "-D", data, "-w", "promote"))
  return { port, folder: data, url: `postgres://postgres@127.0.0.1:${port}/jobs`, query, start, stop, promote }
}

/** PostgreSQL refuses to run as root. */
export const identity = async () => {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = await Promise.all(["-u", "-g"].map(async (flag) => Number(await run("id", [flag, "postgres"]))))
  return uid === undefined || gid === undefined ? {} : { uid, gid }
}

/** A port that is free at this moment. */
export const freePort = async (): Promise<number> =>
  await new Promise((resolve, reject) => {
    const server = createServer().once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

/** Gives the database to a new role `app`, which is no superuser, and returns its address for this role. */
export const asOwner = async ({ port, query }: Server) => {
  await query("CREATE ROLE app LOGIN PASSWORD 'secret'")
  await query("ALTER DATABASE jobs OWNER TO app")
  await query("ALTER SCHEMA public OWNER TO app")
  return `postgres://app:secret@127.0.0.1:${port}/jobs`
}
