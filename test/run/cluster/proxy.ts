/**
 * A proxy in front of a server, which fails as networks do: it drops what is sent without a notice, or closes all connections
 * and refuses new ones.
 */
import { Effect } from "effect"
import { once } from "node:events"
import { connect, createServer, type Socket } from "node:net"

export interface Proxy {
  readonly port: number
  /** Passes nothing on in either direction, and keeps the connections open. */
  readonly silence: () => void
  /** Closes the connections, and refuses others. */
  readonly refuse: () => void
  /** Works again. What was dropped stays lost. */
  readonly heal: () => void
}

/** Starts a proxy for a port of this machine, until the scope closes. */
export const make = (to: number) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const open = new Set<Socket>()
      let state: "works" | "silent" | "refuses" = "works"
      const server = createServer((socket) => {
        if (state === "refuses") return socket.destroy()
        const other = connect(to, "127.0.0.1")
        for (const [from, into] of [
          [socket, other],
          [other, socket]
        ] as const) {
          open.add(from)
          from.on("data", (data) => void (state === "works" && into.write(data)))
          from.on("close", () => open.delete(from) && into.destroy())
          from.on("error", () => undefined)
        }
      })
      server.listen(0, "127.0.0.1")
      await once(server, "listening")
      const address = server.address()
      const destroyAll = () => open.forEach((socket) => socket.destroy())
      const proxy: Proxy = {
        port: typeof address === "object" && address !== null ? address.port : 0,
        silence: () => void (state = "silent"),
        refuse: () => {
          state = "refuses"
          destroyAll()
        },
        heal: () => void (state = "works")
      }
      return {
        proxy,
        close: () => {
          destroyAll()
          server.close()
        }
      }
    }),
    ({ close }) => Effect.sync(close)
  ).pipe(Effect.map(({ proxy }) => proxy))
