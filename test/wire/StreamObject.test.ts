import { assert, describe, it } from "@effect/vitest"
import { AnthropicClient, Claude } from "effect-claude"
import { Effect, Layer, Redacted, Schema, Stream } from "effect"
import { createServer } from "node:http"
import { firstHalf, message, sse } from "../fixtures.ts"

const Line = Schema.Struct({ id: Schema.Int })
const List = Schema.Array(Line)

describe("a value that is streamed over a socket", () => {
  it.live("closes the socket when its consumer stops", () =>
    Effect.gen(function* () {
      const server = yield* endless(`{"id":1},`)
      const events = yield* Claude.streamObject(List, "Go.").pipe(
        Stream.take(2),
        Stream.runCollect,
        Effect.provide(at(server.url))
      )
      assert.lengthOf(events, 2)
      yield* server.closed
    }).pipe(Effect.scoped)
  )

  it.live("closes the socket at the first invalid element", () =>
    Effect.gen(function* () {
      const server = yield* endless(`{"id":1},{"id":"x"},`)
      const { reason } = yield* Claude.streamElements(Line, "Go.").pipe(
        Stream.runDrain,
        Effect.flip,
        Effect.provide(at(server.url))
      )
      assert.include(reason.message, `Expected number at [1]["id"]`)
      yield* server.closed
    }).pipe(Effect.scoped)
  )

  it.live("keeps the server from sending while its consumer sleeps", () =>
    Effect.gen(function* () {
      const server = yield* endless(`${`{"id":1},`.repeat(1000)}`)
      const seen: Array<number> = []
      yield* Claude.streamObject(List, "Go.").pipe(
        Stream.take(3),
        Stream.runForEach(() =>
          Effect.andThen(
            Effect.sleep("300 millis"),
            Effect.sync(() => seen.push(server.sent()))
          )
        ),
        Effect.provide(at(server.url))
      )
      assert.isAbove(seen[0] ?? 0, 0)
      assert.strictEqual(seen[2], seen[1])
    }).pipe(Effect.scoped)
  )
})

// Builders

const at = (baseURL: string) =>
  Claude.layer.pipe(Layer.provide(AnthropicClient.layer({ apiKey: Redacted.make("key"), baseURL })))

/** A server that sends a list without an end, as fast as the client reads it. `closed` waits until the client is gone. */
const endless = Effect.fnUntraced(function* (elements: string) {
  const piece = (text: string) => sse([{ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }])
  let sent = 0
  let leave: () => void = () => {}
  const left = new Promise<void>((resolve) => (leave = resolve))
  const server = createServer((incoming, response) => {
    response.once("close", leave)
    const send = () => {
      while (!response.destroyed && response.write(piece(elements))) sent += elements.length
      response.once("drain", send)
    }
    incoming.resume().on("end", () => {
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.write(sse(firstHalf(message("")).slice(0, 2)) + piece(`{"value":[`))
      send()
    })
  })
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      server.closeAllConnections()
      server.close()
    })
  )
  yield* Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`
  return {
    url,
    sent: () => sent,
    closed: Effect.timeout(
      Effect.promise(() => left),
      "5 seconds"
    )
  }
})
