import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as AnthropicClient from "../../src/claude/AnthropicClient.ts"
import * as Api from "../../src/claude/Api.ts"
import { Claude, Timeouts } from "../../src/claude/Claude.ts"
import type { ClaudeError } from "../../src/claude/ClaudeError.ts"
import * as StreamEvent from "../../src/claude/StreamEvent.ts"
import { type Fetch, Transport } from "../../src/claude/Transport.ts"
import { failure, firstHalf, message, request, sse } from "../fixtures.ts"

describe("create", () => {
  it.effect("sends the parameters unchanged, and returns the message with the facts of its headers", () =>
    Effect.gen(function* () {
      const api = yield* serve((response) => response.writeHead(200, json).end(JSON.stringify(message())))
      const reply = yield* Effect.provide(create(), api.layer)
      assert.deepStrictEqual(reply, {
        message: message(),
        requestId: "req_1",
        origin: "api",
        rateLimits: { requests: { limit: 50, remaining: 49, reset: "2026-11-23T00:01:00Z" } }
      })
      const [sent] = api.received
      assert.strictEqual(sent?.url, "/v1/messages")
      assert.strictEqual(sent?.headers.authorization, "Bearer sk-ant-test")
      assert.deepStrictEqual(sent?.body, request)
    })
  )

  it.effect("succeeds with any stop reason", () =>
    Effect.gen(function* () {
      const refusal = message({ content: [], stop_reason: "refusal" })
      const api = yield* serve((response) => response.writeHead(200, json).end(JSON.stringify(refusal)))
      const reply = yield* Effect.provide(create(), api.layer)
      assert.deepStrictEqual(reply.message, refusal)
    })
  )

  it.effect("sends 64,000 max_tokens, which the SDK alone would refuse without streaming", () =>
    Effect.gen(function* () {
      const api = yield* serve((response) => response.writeHead(200, json).end(JSON.stringify(message())))
      yield* Effect.provide(create({ max_tokens: 64_000 }), api.layer)
      assert.strictEqual(api.received[0]?.body.max_tokens, 64_000)
    })
  )

  it.effect("sends the headers of a call as headers, not in the body", () =>
    Effect.gen(function* () {
      const api = yield* serve((response) => response.writeHead(200, json).end(JSON.stringify(message())))
      yield* Effect.provide(Effect.andThen(create({ headers: { "x-tenant": "t1" } }), create()), api.layer)
      assert.deepStrictEqual(
        api.received.map(({ headers }) => headers["x-tenant"]),
        ["t1", undefined]
      )
      assert.deepStrictEqual(api.received[0]?.body, request)
    })
  )

  it.effect("closes the socket when interrupted", () =>
    Effect.gen(function* () {
      const api = yield* serve(() => {})
      const call = yield* Effect.forkChild(Effect.provide(create(), api.layer))
      yield* api.arrived
      yield* Fiber.interrupt(call)
      assert.isFalse(yield* api.closed)
    })
  )

  it.effect("closes the socket and fails when the answer takes longer than Timeouts.call", () =>
    Effect.gen(function* () {
      const api = yield* serve(() => {})
      const call = yield* create().pipe(Effect.flip, Effect.provide(api.layer), Effect.forkChild)
      yield* api.arrived
      yield* TestClock.adjust("10 minutes")
      const { reason } = yield* Fiber.join(call)
      assert.strictEqual(reason._tag, "TimedOut")
      assert.match(reason.message, /no answer within 10m/)
      assert.isFalse(yield* api.closed)
    })
  )

  it.effect("reads Timeouts of the calling fiber", () =>
    Effect.gen(function* () {
      const { layer } = yield* serve(() => {})
      const patient = yield* create().pipe(Effect.provide(layer), timeouts({ call: Infinity }), Effect.forkChild)
      const hasty = create().pipe(Effect.provide(layer), timeouts({ call: "3 seconds" }), Effect.flip)
      const call = yield* Effect.forkChild(hasty)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* Fiber.join(call)).reason._tag, "TimedOut")
      assert.isUndefined(patient.pollUnsafe())
    })
  )

  it.effect("fails with the reason of the API, after one request", () =>
    Effect.gen(function* () {
      const body = JSON.stringify(failure("overloaded_error", "Overloaded"))
      const api = yield* serve((response) => response.writeHead(529, { ...json, "retry-after": "7" }).end(body))
      const { reason } = yield* failed(create(), api.layer)
      assert.strictEqual(reason._tag, "Overloaded")
      assert.strictEqual(
        reason.message,
        "Overloaded (529): Overloaded; try again later; the API asks to wait 7s (request req_1)"
      )
      assert.strictEqual(api.received.length, 1)
    })
  )

  it.effect.each([
    { name: "HTML", type: "text/html", body: "<html>planted</html>" },
    { name: "half of its JSON", type: "application/json", body: `{"type":"message","content":[{"text":"planted` },
    { name: "JSON with a syntax error", type: "application/json", body: `planted` },
    { name: "JSON of something else", type: "application/json", body: `{"planted":1}` },
    { name: "nothing", type: "application/json", body: "" },
    { name: "a message without usage", type: "application/json", body: `{"type":"message","content":[]}` }
  ])("fails with MalformedResponse if an answer is $name, and does not quote its text", ({ type, body }) =>
    Effect.gen(function* () {
      const api = yield* serve((response) => response.writeHead(200, { ...json, "content-type": type }).end(body))
      const { reason } = yield* failed(create(), api.layer)
      assert.strictEqual(reason._tag, "MalformedResponse")
      assert.notInclude(JSON.stringify(reason), "planted")
    })
  )

  it.effect("reports the code of a broken or refused connection", () =>
    Effect.gen(function* () {
      const api = yield* serve((response) => response.destroy())
      const broken = yield* failed(create(), api.layer)
      assert.strictEqual(broken.reason._tag, "ConnectionFailed")
      assert.strictEqual(broken.reason.code, "UND_ERR_SOCKET")
      const closedServer = yield* Effect.scoped(serve(() => {}))
      const refused = yield* failed(create(), closedServer.layer)
      assert.strictEqual(refused.reason._tag, "ConnectionFailed")
      assert.strictEqual(refused.reason.code, "ECONNREFUSED")
    })
  )
})

describe("stream", () => {
  it.effect("emits the facts first, then the events of the API", () =>
    Effect.gen(function* () {
      const api = yield* serve((response) => response.writeHead(200, eventStream).end(whole))
      const [first, ...rest] = yield* Effect.provide(Stream.runCollect(stream()), api.layer)
      assert.deepStrictEqual(first, {
        type: "stream_start",
        requestId: "req_1",
        origin: "api",
        rateLimits: undefined
      })
      assert.deepStrictEqual(rest, StreamEvent.fromMessage(message()))
      assert.deepStrictEqual(api.received[0]?.body, { ...request, stream: true })
    })
  )

  it.effect("closes the socket when the consumer stops halfway", () =>
    Effect.gen(function* () {
      const api = yield* serve((response) => response.writeHead(200, eventStream).write(half))
      const taken = yield* stream().pipe(Stream.take(3), Stream.runCollect, Effect.provide(api.layer))
      assert.strictEqual(taken.length, 3)
      assert.isFalse(yield* api.closed)
    })
  )

  it.effect("closes the socket when interrupted", () =>
    Effect.gen(function* () {
      const api = yield* serve((response) => response.writeHead(200, eventStream).write(half))
      const arrived = yield* Deferred.make<void>()
      const call = yield* stream().pipe(
        Stream.runForEach(() => Deferred.succeed(arrived, undefined)),
        Effect.provide(api.layer),
        Effect.forkChild
      )
      yield* Deferred.await(arrived)
      yield* Fiber.interrupt(call)
      assert.isFalse(yield* api.closed)
    })
  )

  it.effect("leaves no socket open when it is interrupted at any moment", () =>
    Effect.gen(function* () {
      for (let steps = 0; steps < 60; steps++) {
        const { transport, push, closed } = pushed()
        push(half)
        const call = yield* stream().pipe(Stream.runDrain, via(transport), Effect.forkChild)
        for (let step = 0; step < steps; step++)
          yield* step % 2 ? Effect.yieldNow : Effect.promise(() => Promise.resolve())
        yield* Fiber.interrupt(call)
        assert.isTrue(closed(), `after ${steps} steps`)
      }
    })
  )

  it.effect("closes the socket of an answer that is not an event stream", () =>
    Effect.gen(function* () {
      const api = yield* serve((response) => response.writeHead(200, { "content-type": "text/html" }).write("<html>"))
      const { reason } = yield* failed(Stream.runDrain(stream()), api.layer)
      assert.strictEqual(reason._tag, "MalformedResponse")
      assert.isFalse(yield* api.closed)
    })
  )

  it.effect("reuses its connection after a complete answer", () =>
    Effect.gen(function* () {
      const api = yield* serve((response) => response.writeHead(200, eventStream).end(whole))
      yield* Effect.provide(Effect.replicateEffect(Stream.runDrain(stream()), 6), api.layer)
      assert.isAtMost(new Set(api.received.map(({ port }) => port)).size, 2)
    })
  )

  it.effect("fails with StreamInterrupted and the usage so far when the connection breaks", () =>
    Effect.gen(function* () {
      const api = yield* serve((response) => {
        response.writeHead(200, eventStream)
        response.write(half, () => response.destroy())
      })
      const { reason } = yield* failed(Stream.runDrain(stream()), api.layer)
      assert.strictEqual(reason._tag, "StreamInterrupted")
      assert.strictEqual(reason.requestId, "req_1")
      assert.deepInclude(reason.usage, { input: 10, output: 1 })
    })
  )

  it.effect("fails with the reason of the API if the API refuses it", () =>
    Effect.gen(function* () {
      const body = JSON.stringify(failure("rate_limit_error"))
      const api = yield* serve((response) => response.writeHead(429, json).end(body))
      const { reason } = yield* failed(Stream.runDrain(stream()), api.layer)
      assert.strictEqual(reason._tag, "RateLimited")
      assert.deepStrictEqual(reason.rateLimits?.requests?.remaining, 49)
    })
  )

  it.effect("fails if its headers take longer than Timeouts.call, which does not limit the stream itself", () =>
    Effect.gen(function* () {
      const silent = yield* stream().pipe(Stream.runDrain, Effect.flip, via(never), Effect.forkChild)
      const { transport, push, close } = pushed()
      const slow = yield* stream().pipe(Stream.runCollect, via(transport), Effect.forkChild)
      push(half)
      for (let minute = 0; minute < 15; minute++) {
        yield* TestClock.adjust("59 seconds")
        push('event: ping\ndata: {"type":"ping"}\n\n')
      }
      push(whole.slice(half.length))
      close()
      assert.strictEqual((yield* Fiber.join(silent)).reason._tag, "TimedOut")
      assert.strictEqual((yield* Fiber.join(slow)).at(-1)?.type, "message_stop")
    })
  )
})

describe("countTokens", () => {
  it.effect("sends the same request without the fields that do not count", () =>
    Effect.gen(function* () {
      const api = yield* serve((response) => response.writeHead(200, json).end(`{"input_tokens":42}`))
      const system = "Be brief."
      assert.strictEqual(yield* Effect.provide(countTokens({ system, stop_sequences: ["."] }), api.layer), 42)
      assert.strictEqual(api.received[0]?.url, "/v1/messages/count_tokens")
      assert.deepStrictEqual(api.received[0]?.body, { model: request.model, messages: request.messages, system })
    })
  )

  it.effect("sends only the fields that the endpoint accepts, for the beta API too", () =>
    Effect.gen(function* () {
      const api = yield* serve((response) => response.writeHead(200, json).end(`{"input_tokens":42}`))
      const counted: Partial<typeof request> = {
        output_config: { effort: "low", task_budget: { type: "tokens", total: 20_000 } },
        context_management: { edits: [{ type: "clear_thinking_20251015" }] },
        mcp_servers: [{ type: "url", name: "docs", url: "https://docs.test" }]
      }
      const others: Partial<typeof request> = {
        fallbacks: [{ model: "claude-opus-4-8" }],
        fallback_credit_token: "token",
        thread: null,
        metadata: { user_id: "u" },
        service_tier: "auto",
        inference_geo: "us",
        container: "c",
        diagnostics: {}
      }
      yield* Effect.provide(
        countTokens({ betas: ["server-side-fallback-2026-07-01"], ...counted, ...others }),
        api.layer
      )
      const { model, messages } = request
      assert.deepStrictEqual(api.received[0]?.body, { model, messages, ...counted })
    })
  )

  it.effect("fails with MalformedResponse if the answer has no count", () =>
    Effect.gen(function* () {
      const api = yield* serve((response) => response.writeHead(200, json).end(`{"tokens":42}`))
      assert.strictEqual((yield* failed(countTokens(), api.layer)).reason._tag, "MalformedResponse")
    })
  )
})

describe("betas", () => {
  it.effect("send each call through the beta API", () =>
    Effect.gen(function* () {
      const api = yield* serve((response, { url, body }) =>
        body.stream
          ? response.writeHead(200, eventStream).end(whole)
          : response.writeHead(200, json).end(url.includes("count") ? `{"input_tokens":1}` : JSON.stringify(message()))
      )
      const betas = { betas: ["message-threads-2026-08-12", "task-budgets-2026-03-13"] }
      yield* Effect.provide(Effect.all([create(betas), Stream.runDrain(stream(betas)), countTokens(betas)]), api.layer)
      assert.deepStrictEqual(
        api.received.map(({ url }) => url),
        ["/v1/messages", "/v1/messages", "/v1/messages/count_tokens"]
      )
      for (const { headers, body } of api.received) {
        for (const beta of betas.betas) assert.include(headers["anthropic-beta"], beta)
        assert.notProperty(body, "betas")
      }
    })
  )

  it.effect("keep the fields of a beta answer", () =>
    Effect.gen(function* () {
      const answer = { ...message(), context_management: { applied_edits: [] } }
      const api = yield* serve((response) => response.writeHead(200, json).end(JSON.stringify(answer)))
      const reply = yield* Effect.provide(create({ betas: ["compact-2026-09-04"] }), api.layer)
      assert.deepStrictEqual(reply.message.context_management, { applied_edits: [] })
    })
  )
})

describe("Transport", () => {
  it.effect("is read at each call, even below one layer", () =>
    Effect.gen(function* () {
      const replies = yield* Effect.all([
        Effect.provideService(create(), Transport, answering("one")),
        Effect.provideService(create(), Transport, answering("two"))
      ]).pipe(Effect.provide(layerAt("http://unused.invalid")))
      assert.deepStrictEqual(
        replies.map((reply) => reply.message),
        [message("one"), message("two")]
      )
    })
  )
})

// Builders

interface Received {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: { readonly [key: string]: unknown }
  readonly port: number | undefined
}

const limits = {
  "request-id": "req_1",
  "anthropic-ratelimit-requests-limit": "50",
  "anthropic-ratelimit-requests-remaining": "49",
  "anthropic-ratelimit-requests-reset": "2026-11-23T00:01:00Z"
}
const json = { "content-type": "application/json", ...limits }
const eventStream = { "content-type": "text/event-stream; charset=utf-8", "request-id": "req_1" }
const whole = sse(StreamEvent.fromMessage(message()))
const half = sse(firstHalf(message()))

/** A real server. `closed` waits until the first socket closes, and returns whether its answer was complete. */
const serve = Effect.fnUntraced(function* (answer: (response: ServerResponse, received: Received) => unknown) {
  const received: Array<Received> = []
  const arrived = yield* Deferred.make<void>()
  const closed = yield* Deferred.make<boolean>()
  const server = createServer((incoming, response) => {
    let body = ""
    response.on("close", () => Deferred.doneUnsafe(closed, Effect.succeed(response.writableFinished)))
    incoming.on("data", (bytes) => (body += bytes))
    incoming.on("end", () => {
      const { url = "", headers, socket } = incoming
      const call = { url, headers, body: JSON.parse(body), port: socket.remotePort }
      received.push(call)
      Deferred.doneUnsafe(arrived, Effect.void)
      answer(response, call)
    })
  })
  yield* Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
  yield* Effect.addFinalizer(() => Effect.sync(() => (server.closeAllConnections(), server.close())))
  // A server that listens on a port has an address of this type.
  const { port } = server.address() as AddressInfo
  const layer = layerAt(`http://127.0.0.1:${port}`)
  return { received, arrived: Deferred.await(arrived), closed: Deferred.await(closed), layer }
})

const layerAt = (baseURL: string) =>
  Layer.provide(Api.layer, Layer.orDie(AnthropicClient.layer({ apiKey: Redacted.make("sk-ant-test"), baseURL })))

const create = (fields?: Partial<typeof request>) => Claude.use((claude) => claude.create({ ...request, ...fields }))
const stream = (fields?: Partial<typeof request>) =>
  Stream.unwrap(Claude.useSync((claude) => claude.stream({ ...request, ...fields })))
const countTokens = (fields?: Partial<typeof request>) =>
  Claude.use((claude) => claude.countTokens({ ...request, ...fields }))

const failed = <A>(call: Effect.Effect<A, ClaudeError, Claude>, layer: Layer.Layer<Claude>) =>
  Effect.provide(Effect.flip(call), layer)

const timeouts = (some: Partial<Timeouts>) =>
  Effect.provideService(Timeouts, { call: "10 minutes", idle: "60 seconds", ...some })

const via =
  (transport: Fetch) =>
  <A, E>(call: Effect.Effect<A, E, Claude>) =>
    call.pipe(Effect.provide(layerAt("http://unused.invalid")), Effect.provideService(Transport, transport))

const answering =
  (text: string): Fetch =>
  () =>
    Promise.resolve(Response.json(message(text)))

const never: Fetch = () => new Promise(() => {})

/** A transport with one answer: a stream that the test feeds, and that an abort breaks. */
const pushed = () => {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  let cancelled = false
  const signals: Array<AbortSignal | null | undefined> = []
  const body = new ReadableStream<Uint8Array>({
    start: (begun) => void (controller = begun),
    cancel: () => void (cancelled = true)
  })
  const transport: Fetch = (_, init) => {
    const signal = init?.signal
    signals.push(signal)
    signal?.addEventListener("abort", () => controller?.error(signal.reason))
    return Promise.resolve(new Response(body, { headers: eventStream }))
  }
  return {
    transport,
    /** Whether it was never requested, was aborted before its headers, or was closed after them. */
    closed: () => cancelled || signals.every((signal) => signal?.aborted),
    push: (text: string) => controller?.enqueue(new TextEncoder().encode(text)),
    close: () => controller?.close()
  }
}
