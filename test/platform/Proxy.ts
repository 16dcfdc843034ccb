/**
 * A proxy in front of the database, as an address that moves in a failover: new connections go to the current server.
 */
import { connect, createServer, type Socket } from "node:net"
import { once } from "node:events"
import type { Cleanup } from "./Commands.ts"

export interface Proxy {
  readonly port: number
  /** New connections go to another port from now on. */
  readonly switchTo: (port: number) => void
  /** Closes the open connections. */
  readonly close: () => void
  /** Drops what comes over the open connections in either direction, and keeps them open. */
  readonly silence: () => void
}

/** Starts a proxy for a port of this machine. */
export const make = async (cleanup: Cleanup, to: number): Promise<Proxy> => {
  let target = to
  const open = new Set<Socket>()
  const silent = new Set<Socket>()
  const server = createServer((socket) => {
    const other = connect(target, "127.0.0.1")
    for (const [from, into] of [
      [socket, other],
      [other, socket]
    ] as const) {
      open.add(from)
      from.on("data", (data) => void (!silent.has(from) && into.write(data)))
      from.on("close", () => {
        open.delete(from)
        if (!silent.has(from)) into.destroy()
      })
      from.on("error", () => undefined)
    }
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const close = () => open.forEach((socket) => socket.destroy())
  cleanup.add(() => {
    close()
    server.close()
  })
  const address = server.address()
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    switchTo: (port) => void (target = port),
    close,
    silence: () => open.forEach((socket) => silent.add(socket))
  }
}
