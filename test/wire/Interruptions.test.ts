/**
 * Calls that are interrupted at any moment. `INTERRUPTIONS` is their number; 300 by default.
 */
import { assert, it } from "@effect/vitest"
import { AnthropicClient, Claude } from "effect-claude"
import { NodeTransport } from "effect-claude/node"
import { Effect, Fiber, Layer, Random, Redacted, Schedule, Stream } from "effect"
import { createServer } from "node:http"
import { message, request, sse } from "../fixtures.ts"
import { fromMessage } from "../../src/claude/StreamEvent.ts"

const count = Number(process.env["INTERRUPTIONS"] ?? 300)

const transports = {
  "the global fetch": Layer.empty,
  NodeTransport: NodeTransport.layer()
}

for (const [name, transport] of Object.entries(transports)) {
  it.live(
    `${count} calls and streams over ${name}, interrupted at any moment, leave no socket on either end`,
    () =>
      Effect.gen(function* () {
        const { answering, sockets, url } = yield* serving
        const live = Claude.layer.pipe(
          Layer.provide(AnthropicClient.layer({ apiKey: Redacted.make("key"), baseURL: url })),
          Layer.provideMerge(transport)
        )
        yield* Effect.gen(function* () {
          const once = Effect.gen(function* () {
            const streamed = yield* Random.nextBoolean
            const call = streamed ? Stream.runDrain(Claude.stream(request)) : Claude.create(request)
            const fiber = yield* Effect.forkChild(Effect.exit(call))
            yield* Effect.sleep(yield* Random.nextIntBetween(0, 30))
            yield* Fiber.interrupt(fiber)
          })
          yield* Effect.forEach(Array.from({ length: count }), () => once, { concurrency: 16, discard: true })
          // An answer never ends by itself here; only an interruption ends it.
          yield* until(() => answering() === 0)
        }).pipe(Effect.provide(live))
        // A closed pool has closed its connections.
        if (name === "NodeTransport") yield* until(() => sockets() === 0)
        assert.strictEqual(answering(), 0)
      }).pipe(Effect.scoped),
    120_000
  )
}

const until = (holds: () => boolean) =>
  Effect.sync(holds).pipe(
    Effect.filterOrFail((held) => held),
    Effect.retry(Schedule.upTo(Schedule.spaced("20 millis"), { times: 250 }))
  )

/** Sends small pieces forever, so that an interruption can come before or between any of them. */
const serving = Effect.acquireRelease(
  Effect.callback<{
    readonly url: string
    readonly answering: () => number
    readonly sockets: () => number
    readonly close: () => void
  }>((resume) => {
    let answering = 0
    const sockets = new Set<object>()
    const server = createServer((incoming, response) => {
      answering += 1
      response.on("close", () => (answering -= 1))
      let body = ""
      incoming
        .on("data", (chunk) => (body += chunk))
        .on("end", () => {
          const streamed = body.includes('"stream":true')
          const text = streamed ? sse(fromMessage(message()).slice(0, -1)) : JSON.stringify(message())
          const parts = text.match(/[^]{1,200}/g) ?? []
          response.writeHead(200, { "content-type": streamed ? "text/event-stream" : "application/json" })
          const drip = () => {
            if (response.destroyed) return
            response.write(parts.shift() ?? (streamed ? ": still there\n\n" : " "))
            setTimeout(drip, 3)
          }
          setTimeout(drip, 3)
        })
    }).on("connection", (socket) => {
      sockets.add(socket)
      socket.on("close", () => sockets.delete(socket))
    })
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`
      const close = () => {
        server.closeAllConnections()
        server.close()
      }
      resume(Effect.succeed({ url, answering: () => answering, sockets: () => sockets.size, close }))
    })
  }),
  ({ close }) => Effect.sync(close)
)
