/**
 * The failure table: failures on a real socket, and their results for the caller.
 */
import { assert, describe, it, vi } from "@effect/vitest"
import { AnthropicClient, Claude, Retry } from "effect-claude"
import { Effect, Layer, Redacted, Schedule, Stream } from "effect"
import dns from "node:dns"
import { createServer, type Socket } from "node:net"
import { gzipSync } from "node:zlib"
import { message, request, sse } from "../fixtures.ts"
import { fromMessage } from "../../src/claude/StreamEvent.ts"

/** How a server treats a call, and the outcome: "ok" or the reason. `stream` defaults to `create`. */
interface Failure {
  readonly serve: (socket: Socket, streamed: boolean) => unknown
  readonly create: string
  readonly stream?: string
  /** Whether a retry succeeds; true by default. */
  readonly retry?: "gives up"
  /** Short if the row tests a time-out; otherwise long, so that a busy machine does not reach it. */
  readonly limit?: "150 millis"
}

const events = fromMessage(message("Hello, wörld 🌍."))
const json = JSON.stringify(message("Hello, wörld 🌍."))

const http = (body: string | Buffer, { status = 200, headers = {}, length = Buffer.byteLength(body) } = {}) => {
  const lines = Object.entries({ "content-length": String(length), ...headers }).map(
    ([name, value]) => `${name}: ${value}`
  )
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} X\r\n${lines.join("\r\n")}\r\n\r\n`), Buffer.from(body)])
}
const jsonType = { "content-type": "application/json" }
const sseType = { "content-type": "text/event-stream; charset=utf-8" }
const usual = (streamed: boolean) =>
  streamed ? http(sse(events), { headers: sseType }) : http(json, { headers: jsonType })
const error =
  (status: number, type: string, headers = {}) =>
  (socket: Socket) =>
    socket.end(
      http(JSON.stringify({ type: "error", error: { type, message: "no" } }), {
        status,
        headers: { ...jsonType, ...headers }
      })
    )
const streamOf = (body: string) => (socket: Socket, streamed: boolean) =>
  socket.end(streamed ? http(body, { headers: sseType }) : usual(false))

const table: Record<string, Failure> = {
  "reset before headers": { serve: (socket) => socket.destroy(), create: "ConnectionFailed" },
  "reset within headers": {
    serve: (socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-ty", () => socket.resetAndDestroy()),
    create: "ConnectionFailed"
  },
  "reset within the body": {
    serve: (socket, streamed) => {
      const whole = usual(streamed)
      socket.write(whole.subarray(0, whole.length - 40), () => setTimeout(() => socket.resetAndDestroy(), 20))
    },
    create: "ConnectionFailed",
    stream: "StreamInterrupted"
  },
  "first byte late": { serve: () => undefined, create: "TimedOut", limit: "150 millis" },
  "stall in the body, before any content": {
    serve: (socket, streamed) => socket.write(usual(streamed).subarray(0, streamed ? 500 : 200)),
    create: "TimedOut",
    limit: "150 millis"
  },
  "HTML with 200": {
    serve: (socket) => socket.end(http("<html>hi</html>", { headers: { "content-type": "text/html" } })),
    create: "MalformedResponse"
  },
  "truncated JSON": {
    serve: (socket) => socket.end(http(json.slice(0, -10), { headers: jsonType })),
    create: "MalformedResponse"
  },
  "empty body": { serve: (socket) => socket.end(http("", { headers: jsonType })), create: "MalformedResponse" },
  "no body and no type": {
    serve: (socket) => socket.end(http("")),
    create: "MalformedResponse",
    stream: "StreamInterrupted"
  },
  "JSON of another kind": {
    serve: (socket) => socket.end(http("[1]", { headers: jsonType })),
    create: "MalformedResponse"
  },
  "right answer, no content type": {
    serve: (socket, streamed) => socket.end(http(streamed ? sse(events) : json)),
    create: "ok"
  },
  "right answer in gzip": {
    serve: (socket, streamed) =>
      socket.end(
        http(gzipSync(streamed ? sse(events) : json), {
          headers: { ...(streamed ? sseType : jsonType), "content-encoding": "gzip" }
        })
      ),
    create: "ok"
  },
  "one byte at a time": {
    serve: (socket, streamed) => {
      const bytes = usual(streamed).values()
      const drip = () => {
        const { done, value } = bytes.next()
        if (!done) socket.write(Buffer.of(value), () => setImmediate(drip))
      }
      drip()
    },
    create: "ok"
  },
  "400": { serve: error(400, "invalid_request_error"), create: "InvalidRequest", retry: "gives up" },
  "401": { serve: error(401, "authentication_error"), create: "Unauthenticated", retry: "gives up" },
  "403": { serve: error(403, "permission_error"), create: "PermissionDenied", retry: "gives up" },
  "404": { serve: error(404, "not_found_error"), create: "NotFound", retry: "gives up" },
  "413": { serve: error(413, "request_too_large"), create: "RequestTooLarge", retry: "gives up" },
  "408": { serve: error(408, "timeout_error"), create: "TimedOut" },
  "409": { serve: error(409, "conflict_error"), create: "Conflict" },
  "429": { serve: error(429, "rate_limit_error"), create: "RateLimited" },
  "429 with x-should-retry: false": {
    serve: error(429, "rate_limit_error", { "x-should-retry": "false" }),
    create: "RateLimited",
    retry: "gives up"
  },
  "500": { serve: error(500, "api_error"), create: "ServerFailed" },
  "502 in HTML": { serve: (socket) => socket.end(http("<html>", { status: 502 })), create: "ServerFailed" },
  "529": { serve: error(529, "overloaded_error"), create: "Overloaded" },
  "no message_stop": { serve: streamOf(sse(events.slice(0, -1))), create: "ok", stream: "StreamInterrupted" },
  "error event before content": {
    serve: streamOf(sse([{ type: "error", error: { type: "overloaded_error", message: "no" } }])),
    create: "ok",
    stream: "Overloaded"
  },
  "malformed event": {
    serve: streamOf("event: message_start\ndata: {oops\n\n"),
    create: "ok",
    stream: "MalformedResponse"
  },
  "unknown event": { serve: streamOf(sse([{ type: "novelty" }, ...events])), create: "ok" },
  "an event of 5 MB": {
    serve: (socket, streamed) => {
      const long = message("x".repeat(5_000_000))
      const body = streamed ? sse(fromMessage(long)) : JSON.stringify(long)
      socket.end(http(body, { headers: streamed ? sseType : jsonType }))
    },
    create: "ok"
  },
  "every event twice": {
    serve: streamOf(sse(events.flatMap((event) => [event, event]))),
    create: "ok",
    stream: "StreamInterrupted"
  },
  "unknown stop reason, block and delta": {
    serve: streamOf(
      sse([
        ...events.slice(0, -2),
        { type: "content_block_start", index: 1, content_block: { type: "novelty", n: 1 } },
        { type: "content_block_delta", index: 1, delta: { type: "novelty_delta", n: 2 } },
        { type: "content_block_stop", index: 1 },
        { type: "message_delta", delta: { stop_reason: "novelty", stop_sequence: null }, usage: { output_tokens: 1 } },
        { type: "message_stop" }
      ])
    ),
    create: "ok"
  },
  "redirected to nowhere": {
    serve: (socket) => socket.end(http("", { status: 307, headers: { location: "http://127.0.0.1:1/" } })),
    create: "ConnectionFailed"
  },
  "pings in between": { serve: streamOf(sse(events.flatMap((event) => [{ type: "ping" }, event]))), create: "ok" }
}

describe("on a real socket", () => {
  for (const [name, row] of Object.entries(table)) {
    const { create, retry, stream = create } = row
    const helped = (outcome: string) => (outcome === "ok" ? "ok" : retry === "gives up" ? outcome : "ok at the 2nd try")
    // A stream is not retried after its first content.
    const cut = ["reset within the body", "no message_stop", "every event twice"].includes(name)
    const streamRetried = cut ? stream : helped(stream)
    const title = `${name} → create: ${create}, with Retry: ${helped(create)}; stream: ${stream}, with Retry: ${streamRetried}`
    it.live(title, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* outcomeOf(row, ask, false), create)
        assert.strictEqual(yield* outcomeOf(row, ask, true), helped(create))
        assert.strictEqual(yield* outcomeOf(row, read, false), stream)
        assert.strictEqual(yield* outcomeOf(row, read, true), streamRetried)
      })
    )
  }

  it.live("a closed port, and a port without TLS at an https address, are ConnectionFailed", () =>
    Effect.gen(function* () {
      const { port } = yield* serving(() => undefined, "speaks no TLS")
      for (const url of ["http://127.0.0.1:1", `https://127.0.0.1:${port}`]) {
        assert.strictEqual(yield* outcome(ask).pipe(Effect.provide(claudeAt(url))), "ConnectionFailed")
      }
    }).pipe(Effect.scoped)
  )

  it.live("an unknown host is ConnectionFailed, with its name in the message", () =>
    Effect.gen(function* () {
      // Real resolvers may be slow for unknown hosts.
      const lookup = vi.spyOn(dns, "lookup").mockImplementation(unknownHost)
      yield* Effect.addFinalizer(() => Effect.sync(() => lookup.mockRestore()))
      for (const call of [ask, read]) {
        const error = yield* Effect.flip(call).pipe(Effect.provide(claudeAt("http://nobody.invalid")))
        assert.strictEqual(error.reason._tag, "ConnectionFailed")
        assert.include(error.message, "ENOTFOUND nobody.invalid")
      }
    }).pipe(Effect.scoped)
  )
})

const unknownHost = (hostname: string, ...rest: ReadonlyArray<unknown>) => {
  const done = rest.at(-1)
  const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: "ENOTFOUND" })
  if (typeof done === "function") done(error)
}

const ask = Claude.create(request)
const read = Stream.runDrain(Claude.stream(request))

/** The outcome of a call on a server that fails the first request only. */
const outcomeOf = (row: Failure, call: Effect.Effect<unknown, unknown, Claude.Claude>, retry: boolean) =>
  Effect.gen(function* () {
    const { limit = "10 seconds", serve } = row
    let tries = 0
    const { port, sockets } = yield* serving((socket, streamed) => {
      tries += 1
      return tries === 1 ? serve(socket, streamed) : socket.end(usual(streamed))
    })
    const live = claudeAt(`http://127.0.0.1:${port}`)
    const result = yield* outcome(call).pipe(
      Effect.provide(retry ? live.pipe(Retry.policy(Schedule.recurs(1))) : live),
      Effect.provideService(Claude.Timeouts, { call: limit, idle: limit })
    )
    // Only the connection that is kept alive may stay open.
    yield* Effect.sleep("5 millis").pipe(Effect.repeat({ until: () => sockets() <= 1 }), Effect.timeout("5 seconds"))
    return result === "ok" && tries > 1 ? "ok at the 2nd try" : result
  }).pipe(Effect.scoped)

const outcome = <R>(call: Effect.Effect<unknown, unknown, R>) =>
  Effect.match(call, {
    onSuccess: () => "ok",
    onFailure: (error) => (error instanceof Error && "reason" in error ? tagOf(error.reason) : String(error))
  })

const tagOf = (reason: unknown) =>
  typeof reason === "object" && reason && "_tag" in reason ? String(reason._tag) : "?"

const claudeAt = (baseURL: string) =>
  Claude.layer.pipe(Layer.provide(AnthropicClient.layer({ apiKey: Redacted.make("key"), baseURL })))

/** A server on the level of sockets: it reads a whole request, and then calls `serve` with the socket. */
const serving = (serve: Failure["serve"], tls?: "speaks no TLS") =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly sockets: () => number; readonly close: () => void }>((resume) => {
      const open = new Set<Socket>()
      const server = createServer((socket) => {
        open.add(socket.on("close", () => open.delete(socket)).on("error", () => undefined))
        let received = ""
        socket.on("data", (chunk) => {
          if (tls) return socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")
          received += chunk
          const [head = "", body] = received.split("\r\n\r\n")
          const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
          if (body === undefined || Buffer.byteLength(body) < length) return
          received = ""
          serve(socket, body.includes('"stream":true'))
        })
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" ? (address?.port ?? 0) : 0
        const close = () => {
          for (const socket of open) socket.destroy()
          server.close()
        }
        resume(Effect.succeed({ port, sockets: () => open.size, close }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )
