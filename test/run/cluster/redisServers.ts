/** Redis servers of tests: the one that all tests share, and one that a test starts, stops and fills. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { createClient } from "redis"
import * as BullMq from "../../../src/run/cluster/BullMq.ts"

/** Runs commands on a server. */
export const redis = <A>(url: string, run: (client: ReturnType<typeof clientOf>) => Promise<A>) =>
  Effect.promise(async () => {
    const client = clientOf(url)
    await client.connect()
    const answer = await run(client)
    client.destroy()
    return answer
  })

const clientOf = (url: string) => createClient({ url })

/** The pattern of the keys of a queue. */
export const keysOf = (name: string) => `${BullMq.prefix}:${name}:*`

/** Removes the keys of a queue when the scope closes. */
export const removing = (url: string, name: string) =>
  Layer.effectDiscard(
    Effect.addFinalizer(() =>
      redis(url, async (client) => {
        const keys = await client.keys(keysOf(name))
        if (keys.length > 0) await client.del(keys)
      })
    )
  )

/** Why a test cannot start a server; empty if it can. */
export const missing =
  spawnSync("redis-server", ["--version"]).status === 0
    ? ""
    : ": redis-server is not installed (apt-get install redis-server)"

/** A server of the test that does not run yet. Where it starts again, its data is lost, unless the options store it. */
export const stopped = Effect.fnUntraced(function* (...options: ReadonlyArray<string>) {
  const folder = mkdtempSync(join(tmpdir(), "effect-claude-redis-"))
  const port = yield* freePort
  const url = `redis://127.0.0.1:${port}`
  const running = new Set<ChildProcess>()
  const start = Effect.promise(async () => {
    const child = spawn("redis-server", ["--port", `${port}`, "--dir", folder, "--save", "", ...options], {
      stdio: ["ignore", "pipe", "ignore"]
    })
    running.add(child)
    for await (const text of child.stdout) if (/Ready to accept connections/.test(String(text))) break
    child.stdout.resume()
  })
  const signal = (name: NodeJS.Signals) => Effect.sync(() => running.forEach((child) => child.kill(name)))
  const kill = Effect.promise(() =>
    Promise.all(
      Array.from(running, (child) => {
        running.delete(child)
        child.kill("SIGKILL")
        return once(child, "exit")
      })
    )
  )
  yield* Effect.addFinalizer(() =>
    Effect.andThen(
      kill,
      Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
    )
  )
  return { url, kill, start, freeze: signal("SIGSTOP"), wake: signal("SIGCONT") }
})

/** A running server of the test, without data. */
export const server = (...options: ReadonlyArray<string>) => Effect.tap(stopped(...options), ({ start }) => start)

/** Lets a server refuse writes while it has more than this many bytes; 0 is no limit. */
export const setMemory = (url: string, bytes: number) =>
  redis(url, (client) => client.configSet("maxmemory", String(bytes)))

const freePort = Effect.callback<number>((resume) => {
  const listener = createServer()
  listener.listen(0, "127.0.0.1", () => {
    const address = listener.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    listener.close(() => resume(Effect.succeed(port)))
  })
})
