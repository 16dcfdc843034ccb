/**
 * A server in a separate process: the emulator, or a bare server that always sends the answer that a message contains.
 * It reports its CPU time and memory on request.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Emulator } from "../src/testing/index.ts"

/** The answer of the bare server to every request. */
export interface Answer {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** CPU microseconds since the start of the process, and bytes of memory after a garbage collection. */
export interface State {
  readonly cpuMicros: number
  readonly heapUsed: number
  readonly rss: number
}

const emulator = Emulator.layerServer().pipe(
  Layer.build,
  Effect.map((context) => Context.get(context, Emulator.Emulator).url),
  Effect.tap((url) => Effect.sync(() => process.send?.(url))),
  Effect.andThen(Effect.never),
  Effect.scoped
)

const bare = async () => {
  const [answer]: Array<Answer> = await once(process, "message")
  const server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk) => chunks.push(chunk))
    request.on("end", () => {
      Buffer.concat(chunks).toString()
      response.writeHead(200, answer?.headers).end(answer?.body)
    })
  })
  server.listen(0, "127.0.0.1", () => process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
}

if (process.argv[2] === "emulator") void Effect.runPromise(emulator)
else await bare()

process.on("message", (asked) => {
  if (asked !== "state") return
  globalThis.gc?.()
  const { system, user } = process.cpuUsage()
  const { heapUsed, rss } = process.memoryUsage()
  process.send?.({ cpuMicros: user + system, heapUsed, rss } satisfies State)
})
