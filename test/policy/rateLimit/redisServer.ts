/**
 * A Redis server of a test, which can be killed and frozen. It needs the program `redis-server`.
 */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import * as Effect from "effect/Effect"
import { createClient } from "redis"

/** Why tests with such a server are skipped; empty if they run. */
export const missing = spawnSync("redis-server", ["--version"]).status === 0 ? "" : ": redis-server is not on the PATH"

/** A Redis that keeps nothing, on a free port. It is not running yet. */
export const redisServer = Effect.gen(function* () {
  const port = yield* Effect.promise(freePort)
  let child: ReturnType<typeof spawn> | undefined
  const kill = Effect.promise(async () => {
    if (child === undefined) return
    child.kill("SIGKILL")
    await once(child, "exit")
    child = undefined
  })
  yield* Effect.addFinalizer(() => kill)
  const start = Effect.promise(async () => {
    const started = spawn("redis-server", ["--port", String(port), "--save", "", "--appendonly", "no"])
    child = started
    for await (const line of started.stdout) if (/Ready to accept connections/.test(String(line))) return
  })
  const url = `redis://127.0.0.1:${port}`
  /** Refuses writes where it has more than this many bytes; 0 is no limit. */
  const setMemory = (bytes: number) =>
    Effect.promise(async () => {
      const client = await createClient({ url }).connect()
      await client.configSet("maxmemory", String(bytes))
      client.destroy()
    })
  return { url, start, kill, setMemory, freeze: Effect.sync(() => child?.kill("SIGSTOP")) }
})

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })
