/**
 * A private Redis server without persistence: it returns empty after a restart. It needs the program `redis-server`.
 */
import { type Cleanup, run, start, until } from "./Commands.ts"
import { freePort } from "./Postgres.ts"

export interface Server {
  readonly port: number
  readonly url: string
  readonly command: (...args: ReadonlyArray<string>) => Promise<string>
  readonly start: () => Promise<void>
  /** Ends it at once, with all that it stored. */
  readonly kill: () => Promise<void>
}

/** Starts a server. */
export const make = async (cleanup: Cleanup): Promise<Server> => {
  const port = await freePort()
  let running: ReturnType<typeof start> | undefined
  const command = async (...args: ReadonlyArray<string>) => await run("redis-cli", ["-p", String(port), ...args])
  const begin = async () => {
    running = start("redis-server", ["--port", String(port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"])
    await until("Redis answers", async () => (await command("PING").catch(() => "")) === "PONG", 10_000)
  }
  const kill = async () => void (await running?.stop("SIGKILL"))
  cleanup.add(kill)
  await begin()
  return { port, url: `redis://127.0.0.1:${port}`, command, start: begin, kill }
}
