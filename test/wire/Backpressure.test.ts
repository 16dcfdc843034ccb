import { assert, it } from "@effect/vitest"
import { AnthropicClient, Claude } from "effect-claude"
import { NodeTransport } from "effect-claude/node"
import { Effect, Layer, Redacted, Stream } from "effect"
import { createServer } from "node:http"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { firstHalf, message, request, sse } from "../fixtures.ts"

for (const [name, transport] of Object.entries({ fetch: Layer.empty, NodeTransport: NodeTransport.layer() })) {
  it.live(`a stream of 100,000 pieces takes no more memory than one of 10,000, over ${name}`, () =>
    Effect.gen(function* () {
      const { url } = yield* endless
      const used: Array<number> = []
      let pieces = 0
      const count = Effect.sync(() => {
        pieces += 1
        if (pieces === 10_000 || pieces === 100_000) used.push(heap())
      })
      yield* Claude.stream(request).pipe(
        Stream.take(100_000),
        Stream.runForEach(() => count),
        Effect.provide(claudeAt(url, transport))
      )
      const [early = NaN, late = NaN] = used
      // 90,000 retained pieces would take over 90 MB.
      assert.isBelow(late - early, 10 * 1024 * 1024)
    }).pipe(Effect.scoped)
  )

  it.live(`a consumer that sleeps keeps the server from sending, over ${name}`, () =>
    Effect.gen(function* () {
      const { sent, url } = yield* endless
      const seen: Array<number> = []
      const sleepy = () =>
        Effect.andThen(
          Effect.sleep("300 millis"),
          Effect.sync(() => seen.push(sent()))
        )
      yield* Claude.stream(request).pipe(
        Stream.take(3),
        Stream.runForEach(sleepy),
        Effect.provide(claudeAt(url, transport))
      )
      assert.isAbove(seen[0] ?? 0, 0)
      assert.strictEqual(seen[2], seen[1])
    }).pipe(Effect.scoped)
  )
}

const claudeAt = <E>(baseURL: string, transport: Layer.Layer<never, E>) =>
  Claude.layer.pipe(
    Layer.provide(AnthropicClient.layer({ apiKey: Redacted.make("key"), baseURL })),
    Layer.provideMerge(transport)
  )

setFlagsFromString("--expose-gc")
const collect: () => void = runInNewContext("gc")

/** Bytes in use after a garbage collection. */
const heap = () => {
  collect()
  return process.memoryUsage().heapUsed
}

/** An endless stream, sent as fast as the client reads it. */
const endless = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly sent: () => number; readonly close: () => void }>((resume) => {
    let sent = 0
    const piece = sse([
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "x".repeat(1000) } }
    ])
    const server = createServer((incoming, response) => {
      const send = () => {
        let taken = true
        while (taken) {
          taken = response.write(piece)
          sent += piece.length
        }
        response.once("drain", send)
      }
      incoming.resume().on("end", () => {
        response.writeHead(200, { "content-type": "text/event-stream" })
        response.write(sse(firstHalf(message("a")).slice(0, 2)))
        send()
      })
    })
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`
      const close = () => {
        server.closeAllConnections()
        server.close()
      }
      resume(Effect.succeed({ url, sent: () => sent, close }))
    })
  }),
  ({ close }) => Effect.sync(close)
)
