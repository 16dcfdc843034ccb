/**
 * An emulator with a ledger, in a process of its own, which can be reached from network namespaces. It prints its address,
 * and then who sends a call, and how many calls it has billed and refused with 429 whenever one of these has changed.
 */
import { Context, Effect, Layer } from "effect"
import { Emulator } from "effect-claude/testing"
import { createServer, request } from "node:http"

const { LATENCY = "500", REQUESTS_PER_MINUTE } = process.env

const faults = [
  { kind: 529, rate: 0.01 },
  { kind: "reset", rate: 0.01 }
] as const

let refused = 0

/** Passes requests on to the emulator, and counts the refused ones. */
const counting = (to: number) =>
  createServer((incoming, answer) => {
    const { headers, method, socket, url: path } = incoming
    if (method === "POST") process.stdout.write(`from ${socket.remoteAddress ?? ""}\n`)
    const outgoing = request({ host: "127.0.0.1", port: to, method, path, headers }, (response) => {
      if (response.statusCode === 429) refused += 1
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
      response.on("error", () => answer.destroy())
    })
    outgoing.on("error", () => answer.destroy())
    incoming.pipe(outgoing)
  })

const program = Effect.gen(function* () {
  const server = Emulator.layerServer({
    latency: Number(LATENCY),
    ...(REQUESTS_PER_MINUTE === undefined ? { faults } : { limits: { requestsPerMinute: Number(REQUESTS_PER_MINUTE) } })
  })
  const { ledger, url } = Context.get(yield* Layer.build(server), Emulator.Emulator)
  const proxy = counting(Number(new URL(url).port))
  proxy.listen(0, "0.0.0.0", () => {
    const address = proxy.address()
    if (typeof address === "object" && address !== null) process.stdout.write(`http://127.0.0.1:${address.port}\n`)
  })
  let last = ""
  const count = Effect.map(ledger, ({ length }) => {
    const line = `${length} ${refused}`
    if (line !== last) process.stdout.write(`${line}\n`)
    last = line
  })
  return yield* Effect.forever(Effect.delay(count, "100 millis"))
})

Effect.runFork(Effect.scoped(program))
