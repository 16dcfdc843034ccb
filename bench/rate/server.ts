/**
 * One server with its own limits, in a separate process: the stand-in, or the emulator. It reports its address, and on
 * request the state of its books.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout } from "node:timers/promises"
import { Emulator } from "../../src/testing/index.ts"
import * as Emulated from "./emulated.ts"
import type * as Meter from "./meter.ts"
import * as StandIn from "./standIn.ts"

/** What the argument of the process says. */
export interface Served {
  readonly server: "stand-in" | "emulator"
  readonly variant: StandIn.Variant
}

type Answered = Pick<StandIn.Response, "status" | "headers" | "body">

interface Server {
  readonly answer: (now: number, body: string) => Promise<Answered>
  readonly state: (now: number) => Meter.State
}

const { server: kind, variant }: Served = JSON.parse(process.argv[2] ?? "")
let start: number | undefined
const now = () => performance.now() - (start ??= performance.now())

const standIn = (): Server => {
  const { answer, state } = StandIn.make(variant, Date.now())
  return {
    answer: async (at, body) => {
      const response = answer(at, body)
      for (let part = 0; part < response.parts; part++) {
        await setTimeout(response.after / response.parts)
        response.produce(now())
      }
      return response
    },
    state
  }
}

const emulator = (): Server => {
  const layer = Emulator.transport(Emulated.optionsOf(variant))
  const { fetch, url } = Context.get(Effect.runSync(Effect.scoped(Layer.build(layer))), Emulator.Emulator)
  const { answered, state } = Emulated.watch(variant)
  return {
    answer: async (came, body) => {
      const response = await fetch(`${url}/v1/messages`, { method: "POST", headers: Emulated.headers, body })
      const text = await response.text()
      answered(came, now(), response.status, text)
      return { status: response.status, headers: Object.fromEntries(response.headers), body: text }
    },
    state
  }
}

let started: Server | undefined
/** It starts at the first request, with full buckets. */
const running = () => (started ??= kind === "emulator" ? emulator() : standIn())

const server = createServer((request, response) => {
  const chunks: Array<Buffer> = []
  request.on("data", (chunk) => chunks.push(chunk))
  request.on("end", async () => {
    const at = now()
    const { body, headers, status } = await running().answer(at, Buffer.concat(chunks).toString())
    const fixed = { "content-type": "application/json", "request-id": "req_bench" }
    response.writeHead(status, { ...headers, ...fixed }).end(body)
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, "127.0.0.1", () => process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
process.on("message", () => process.send?.(running().state(now())))
