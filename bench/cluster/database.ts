/**
 * A PostgreSQL server of the bench, with its defaults, so that no other traffic is in its figures. It needs the programs
 * `initdb`, `postgres` and `psql`.
 */
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import * as Cpu from "./cpu.ts"

export interface Server {
  /** Makes an empty database, and returns its address. */
  readonly create: () => string
  /** CPU time of all its processes so far, in milliseconds. */
  readonly cpu: () => number
  readonly stop: () => Promise<void>
}

/** PostgreSQL does not run as root. */
const user = (): { readonly uid?: number; readonly gid?: number } => {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }))
  return { uid: id("-u"), gid: id("-g") }
}

const programs = () => {
  const folder = "/usr/lib/postgresql"
  const versions = existsSync(folder) ? readdirSync(folder).toSorted((a, b) => Number(b) - Number(a)) : []
  return versions[0] === undefined ? "" : join(folder, versions[0], "bin/")
}

export const start = async (): Promise<Server> => {
  const [bin, owner] = [programs(), user()]
  const folder = mkdtempSync(join(tmpdir(), "effect-claude-postgres-"))
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(folder, owner.uid, owner.gid)
  const data = join(folder, "data")
  execFileSync(`${bin}initdb`, ["-D", data, "-U", "bench", "-A", "trust"], { ...owner, cwd: folder, stdio: "ignore" })
  const port = 20_000 + (process.pid % 10_000)
  const child = spawn(`${bin}postgres`, ["-D", data, "-p", `${port}`, "-k", folder, "-h", "127.0.0.1"], {
    ...owner,
    cwd: folder,
    stdio: "ignore"
  })
  const url = (name: string) => `postgres://bench@127.0.0.1:${port}/${name}`
  for (let attempt = 0; ; attempt++) {
    try {
      query(url("postgres"), "SELECT 1")
      break
    } catch (error) {
      if (attempt === 100) throw error
      await setTimeout(100)
    }
  }
  let databases = 0
  return {
    create: () => {
      const name = `bench_${databases++}`
      query(url("postgres"), `CREATE DATABASE ${name}`)
      return url(name)
    },
    cpu: () => Cpu.ofFamily(child.pid ?? 0),
    stop: async () => {
      child.kill("SIGQUIT")
      await once(child, "exit")
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** The first column of the first row. */
export const query = (url: string, sql: string): string =>
  execFileSync("psql", [url, "-qAtc", sql], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim()

/** Transactions that a database has committed so far. The server counts a process's within a second. */
export const commits = (url: string): number =>
  Number(query(url, "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"))
