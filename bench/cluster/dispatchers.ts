/**
 * The queues of chunks alone, without rows: how many chunks a second they take in and hand out, and what a chunk costs. It
 * starts a Redis server, with the program `redis-server`. Redis keeps each change on the disk within a second (`appendfsync
 * everysec`); PostgreSQL does so before it answers.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Dispatcher } from "../../src/pipeline/Dispatcher.ts"
import * as BullMq from "../../src/run/cluster/BullMq.ts"
import * as PgBoss from "../../src/run/cluster/PgBoss.ts"
import * as Cpu from "./cpu.ts"
import * as Database from "./database.ts"
import type { World } from "./world.ts"

/** A queue, with what its server has done so far. */
interface Subject {
  readonly name: string
  readonly layer: Layer.Layer<Dispatcher, Error>
  /** CPU time of the server in milliseconds. */
  readonly cpu: () => number
  readonly unit: string
  readonly units: () => number
}

export const run = async (world: World, chunks: number) => {
  const database = world.postgres.create()
  const redis = await startRedis()
  const subjects: ReadonlyArray<Subject> = [
    {
      name: "pg-boss",
      layer: PgBoss.layer({ url: database, name: "bench" }),
      cpu: world.postgres.cpu,
      unit: "commits",
      units: () => Database.commits(database)
    },
    {
      name: "BullMQ",
      layer: BullMq.layer({ url: redis.url, name: "bench" }),
      cpu: () => Cpu.of(redis.child.pid ?? 0),
      unit: "scripts",
      units: redis.scripts
    }
  ]
  console.log(`dispatchers: ${chunks} chunks, which 16 loops of one process take and complete`)
  for (const subject of subjects) await Effect.runPromise(measure(subject, chunks))
  await redis.stop()
}

const measure = ({ cpu, layer, name, unit, units }: Subject, chunks: number) =>
  Effect.gen(function* () {
    const queue = yield* Dispatcher
    yield* queue.repair(Effect.void)
    const all = Array.from({ length: chunks }, (_, index) => ({ first: 100 * index, generation: 1 }))
    const sending = performance.now()
    for (let index = 0; index < chunks; index += 1000) yield* queue.submit(all.slice(index, index + 1000))
    const sent = (performance.now() - sending) / 1000
    // PostgreSQL counts the commits of a process within a second.
    yield* Effect.sleep("1500 millis")
    const before = { cpu: cpu(), units: units(), process: process.cpuUsage() }
    let taken = 0
    const loop = Effect.gen(function* () {
      while (true) {
        const leases = yield* queue.take(1)
        if (leases.length === 0) return
        taken += leases.length
        for (const lease of leases) yield* queue.complete(lease)
      }
    })
    const taking = performance.now()
    yield* Effect.all(Array(16).fill(loop), { concurrency: 16 })
    const seconds = (performance.now() - taking) / 1000
    yield* Effect.sleep("1500 millis")
    const { system, user } = process.cpuUsage(before.process)
    console.log(
      [
        name.padEnd(8),
        `sends ${(chunks / sent).toFixed(0)} chunks/s`,
        `hands out ${(taken / seconds).toFixed(0)} chunks/s`,
        `${((units() - before.units) / taken).toFixed(1)} ${unit} a chunk`,
        `CPU ms a chunk: ${((user + system) / 1000 / taken).toFixed(2)} process + ${((cpu() - before.cpu) / taken).toFixed(2)} server`
      ].join("  ")
    )
  }).pipe(Effect.provide(layer), Effect.scoped)

const startRedis = async () => {
  const folder = mkdtempSync(join(tmpdir(), "effect-claude-bench-redis-"))
  const port = `${30_000 + (process.pid % 10_000)}`
  const args = ["--port", port, "--dir", folder, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec"]
  const child: ChildProcess = spawn("redis-server", args, { stdio: "ignore" })
  const cli = (...args: ReadonlyArray<string>) =>
    execFileSync("redis-cli", ["-p", port, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
  for (let attempt = 0; ; attempt++) {
    try {
      cli("ping")
      break
    } catch (error) {
      if (attempt === 50) throw error
      await setTimeout(100)
    }
  }
  return {
    child,
    url: `redis://127.0.0.1:${port}`,
    /** Scripts that clients have called. Each is one exchange with the server. */
    scripts: () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(cli("info", "commandstats"))?.[1] ?? 0),
    stop: async () => {
      child.kill("SIGTERM")
      await once(child, "exit")
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
