import { AnthropicAws } from "@anthropic-ai/aws-sdk"
import { AnthropicBedrock, AnthropicBedrockMantle } from "@anthropic-ai/bedrock-sdk"
import { AnthropicFoundry } from "@anthropic-ai/foundry-sdk"
import { AnthropicVertex } from "@anthropic-ai/vertex-sdk"
import { assert, describe, it } from "@effect/vitest"
import { EventStreamCodec } from "@smithy/eventstream-codec"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { OAuth2Client } from "google-auth-library"
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import * as AnthropicClient from "../../src/claude/AnthropicClient.ts"
import * as Api from "../../src/claude/Api.ts"
import { Claude } from "../../src/claude/Claude.ts"
import type { ClaudeError } from "../../src/claude/ClaudeError.ts"
import * as StreamEvent from "../../src/claude/StreamEvent.ts"
import { failure, firstHalf, message, request, sse } from "../fixtures.ts"

/** The differences between backends: the client, which fits `layerFrom` without a cast, and its form on the wire. */
interface Backend {
  readonly name: string
  readonly layer: (baseURL: string) => Layer.Layer<AnthropicClient.AnthropicClient>
  readonly paths: { readonly create: string; readonly stream: string; readonly countTokens: string }
  /** The header with the credentials. */
  readonly auth: readonly [header: string, value: RegExp]
  readonly streamType: string
  readonly encode: (events: ReadonlyArray<{ readonly type: string }>) => string | Uint8Array
  /** The body of an answer with an error. */
  readonly failure: (text: string) => object
}

const { model } = request
const ofTheApi = {
  paths: { create: "/v1/messages", stream: "/v1/messages", countTokens: "/v1/messages/count_tokens" },
  streamType: "text/event-stream; charset=utf-8",
  encode: sse,
  failure: (text: string) => failure("api_error", text)
}
const vertexModels = "/projects/project-1/locations/global/publishers/anthropic/models"

const bedrock: Backend = {
  name: "AnthropicBedrock",
  layer: (baseURL) =>
    AnthropicClient.layerFrom(
      new AnthropicBedrock({
        baseURL,
        apiKey: null,
        awsRegion: "us-east-1",
        awsAccessKey: "AKIDTEST",
        awsSecretKey: "test"
      })
    ),
  paths: {
    create: `/model/${model}/invoke`,
    stream: `/model/${model}/invoke-with-response-stream`,
    countTokens: "/v1/messages/count_tokens"
  },
  auth: ["authorization", /^AWS4-HMAC-SHA256 Credential=AKIDTEST\/\d+\/us-east-1\/bedrock\//],
  streamType: "application/vnd.amazon.eventstream",
  encode: (events) => Buffer.concat(events.map((event) => chunkOf(JSON.stringify(event)))),
  failure: (text) => ({ message: text })
}

const backends: ReadonlyArray<Backend> = [
  bedrock,
  {
    ...ofTheApi,
    name: "AnthropicBedrockMantle",
    layer: (baseURL) => AnthropicClient.layerFrom(new AnthropicBedrockMantle({ baseURL, apiKey: "mantle-key" })),
    auth: ["authorization", /^Bearer mantle-key$/]
  },
  {
    ...ofTheApi,
    name: "AnthropicVertex",
    layer: (baseURL) => {
      const authClient = new OAuth2Client({ credentials: { access_token: "google-token" } })
      return AnthropicClient.layerFrom(
        new AnthropicVertex({ baseURL, region: "global", projectId: "project-1", authClient })
      )
    },
    paths: {
      create: `${vertexModels}/${model}:rawPredict`,
      stream: `${vertexModels}/${model}:streamRawPredict`,
      countTokens: `${vertexModels}/count-tokens:rawPredict`
    },
    auth: ["authorization", /^Bearer google-token$/],
    failure: (text) => ({ error: { code: 429, message: text, status: "RESOURCE_EXHAUSTED" } })
  },
  {
    ...ofTheApi,
    name: "AnthropicFoundry",
    layer: (baseURL) =>
      AnthropicClient.layerFrom(new AnthropicFoundry({ baseURL, resource: null, apiKey: "foundry-key" })),
    auth: ["x-api-key", /^foundry-key$/],
    failure: (text) => ({ error: { code: "some_code", message: text } })
  },
  {
    ...ofTheApi,
    name: "AnthropicAws",
    layer: (baseURL) =>
      AnthropicClient.layerFrom(
        new AnthropicAws({
          baseURL,
          awsRegion: "us-east-1",
          awsAccessKey: "AKIDTEST",
          awsSecretAccessKey: "test",
          workspaceId: "wrkspc_1"
        })
      ),
    auth: ["authorization", /^AWS4-HMAC-SHA256 Credential=AKIDTEST\/\d+\/us-east-1\/aws-external-anthropic\//]
  }
]

describe.each(backends)("$name", (backend) => {
  const { paths } = backend

  it.effect("creates a message", () =>
    Effect.gen(function* () {
      const api = yield* serve(backend, (response) => response.end(JSON.stringify(message())))
      const reply = yield* Effect.provide(create(), api.layer)
      assert.deepStrictEqual(reply.message, message())
      const [sent] = api.received
      assert.strictEqual(sent?.url, paths.create)
      assert.match(String(sent?.headers[backend.auth[0]]), backend.auth[1])
      assert.deepStrictEqual(sent?.body.messages, request.messages)
    })
  )

  it.effect("streams the events, and reuses its connection", () =>
    Effect.gen(function* () {
      const api = yield* serve(backend, (response) => streamed(backend, response).end(backend.encode(events)))
      const [first, ...rest] = yield* Effect.provide(Stream.runCollect(stream()), api.layer)
      assert.strictEqual(first?.type, "stream_start")
      assert.deepStrictEqual(rest, events)
      assert.strictEqual(api.received[0]?.url, paths.stream)
      yield* Effect.provide(Effect.replicateEffect(Stream.runDrain(stream()), 4), api.layer)
      assert.isAtMost(new Set(api.received.map(({ port }) => port)).size, 2)
    })
  )

  it.effect("sends betas through the beta API", () =>
    Effect.gen(function* () {
      const betas = { betas: ["compact-2026-09-04"] }
      const api = yield* serve(backend, (response) => response.end(JSON.stringify(message())))
      const reply = yield* Effect.provide(create(betas), api.layer)
      assert.deepStrictEqual(reply.message, message())
      const streaming = yield* serve(backend, (response) => streamed(backend, response).end(backend.encode(events)))
      const [, ...rest] = yield* Effect.provide(Stream.runCollect(stream(betas)), streaming.layer)
      assert.deepStrictEqual(rest, events)
      for (const { url, headers, body } of [...api.received, ...streaming.received]) {
        assert.include([paths.create, paths.stream], url)
        assert.include(String(headers["anthropic-beta"]), "compact-2026-09-04")
        assert.notProperty(body, "betas")
      }
    })
  )

  it.effect("closes the socket of a call that is interrupted", () =>
    Effect.gen(function* () {
      const api = yield* serve(backend, () => {})
      const call = yield* Effect.forkChild(Effect.provide(create(), api.layer))
      yield* api.arrived
      yield* Fiber.interrupt(call)
      assert.isFalse(yield* api.closed)
    })
  )

  it.effect("closes the socket of a stream that is interrupted while it waits", () =>
    Effect.gen(function* () {
      const { call, closed } = yield* waiting(backend)
      yield* Fiber.interrupt(call)
      assert.isFalse(yield* closed)
    })
  )

  it.effect("fails with TimedOut when a stream stalls, and closes its socket", () =>
    Effect.gen(function* () {
      const { call, closed } = yield* waiting(backend)
      yield* TestClock.adjust("1 minute")
      const { reason } = yield* Effect.flip(Fiber.join(call))
      assert.strictEqual(reason._tag, "TimedOut")
      assert.isFalse(yield* closed)
    })
  )

  it.effect("closes the socket of a stream whose consumer stops halfway", () =>
    Effect.gen(function* () {
      const api = yield* serve(backend, (response) => streamed(backend, response).write(backend.encode(half)))
      yield* stream().pipe(Stream.take(2), Stream.runDrain, Effect.provide(api.layer))
      assert.isFalse(yield* api.closed)
    })
  )

  it.effect.each([
    { status: 401, reason: "Unauthenticated" },
    { status: 403, reason: "PermissionDenied" },
    { status: 404, reason: "NotFound" },
    { status: 429, reason: "RateLimited" },
    { status: 503, reason: "ServerFailed" }
  ] as const)("fails with $reason if the answer is $status, after one request", ({ status, reason }) =>
    Effect.gen(function* () {
      const api = yield* serve(backend, (response) =>
        response
          .writeHead(status, { "content-type": "application/json" })
          .end(JSON.stringify(backend.failure("no luck")))
      )
      for (const call of [create(), Stream.runDrain(stream()), countTokens()]) {
        const error = yield* failed(call, api.layer)
        assert.deepInclude(error.reason, { _tag: reason, status, detail: "no luck" })
      }
      assert.strictEqual(api.received.length, 3)
    })
  )
})

describe.each(backends.filter((backend) => backend !== bedrock))("$name", (backend) => {
  it.effect("counts tokens, with betas too", () =>
    Effect.gen(function* () {
      const api = yield* serve(backend, (response) => response.end(`{"input_tokens":42}`))
      assert.strictEqual(yield* Effect.provide(countTokens(), api.layer), 42)
      assert.strictEqual(yield* Effect.provide(countTokens({ betas: ["compact-2026-09-04"] }), api.layer), 42)
      for (const { url } of api.received) assert.strictEqual(url, backend.paths.countTokens)
    })
  )
})

describe("AnthropicBedrock, whose countTokens uses an operation that Bedrock lacks,", () => {
  it.effect("fails with Unsupported", () =>
    Effect.gen(function* () {
      const unknown = `{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}`
      const api = yield* serve(bedrock, (response) => response.end(unknown))
      for (const call of [countTokens(), countTokens({ betas: ["compact-2026-09-04"] })]) {
        const { reason } = yield* failed(call, api.layer)
        assert.strictEqual(reason._tag, "Unsupported")
        assert.match(reason.message, /cannot count tokens/)
      }
      assert.strictEqual(api.received[0]?.url, bedrock.paths.countTokens)
    })
  )
})

describe("AnthropicBedrock, which ignores our headers,", () => {
  it.effect("finds betas in the body", () =>
    Effect.gen(function* () {
      const api = yield* serve(bedrock, (response) => response.end(JSON.stringify(message())))
      yield* Effect.provide(create({ betas: ["compact-2026-09-04"] }), api.layer)
      assert.deepStrictEqual(api.received[0]?.body["anthropic_beta"], ["compact-2026-09-04"])
    })
  )
})

describe("AnthropicBedrock, in the middle of a stream,", () => {
  it.effect.each([
    { exception: "throttlingException", reason: "RateLimited" },
    { exception: "modelTimeoutException", reason: "TimedOut" },
    { exception: "validationException", reason: "InvalidRequest" },
    { exception: "internalServerException", reason: "ServerFailed" },
    { exception: "modelStreamErrorException", reason: "ServerFailed" },
    { exception: "serviceUnavailableException", reason: "ServerFailed" }
  ] as const)("fails with $reason on a $exception, with what it had cost", ({ exception, reason }) =>
    Effect.gen(function* () {
      const frame = frameOf({ ":message-type": "exception", ":exception-type": exception }, `{"message":"no luck"}`)
      const error = yield* failedAfterHalf(frame)
      assert.deepInclude(error.reason, { _tag: reason, detail: "no luck" })
      assert.deepInclude(error.reason.usage, { input: 10, output: 1 })
    })
  )

  it.effect("fails with ServerFailed on an error that has no model", () =>
    Effect.gen(function* () {
      const headers = { ":message-type": "error", ":error-code": "InternalFailure", ":error-message": "no luck" }
      const { reason } = yield* failedAfterHalf(frameOf(headers, ""))
      assert.deepInclude(reason, { _tag: "ServerFailed", detail: "no luck" })
    })
  )

  it.effect.each([
    { name: "whose JSON is cut off", frame: () => chunkOf(`{"type":"content_block_delta","delta":{"text":"planted`) },
    { name: "whose frame has no JSON", frame: () => frameOf(chunkHeaders, "planted") }
  ])("fails with MalformedResponse if an event is $name, and does not quote its text", ({ frame }) =>
    Effect.gen(function* () {
      const { reason } = yield* failedAfterHalf(frame())
      assert.strictEqual(reason._tag, "MalformedResponse")
      assert.notInclude(JSON.stringify(reason), "planted")
      assert.deepInclude(reason.usage, { input: 10, output: 1 })
    })
  )

  it.effect("fails with StreamInterrupted when a frame is truncated", () =>
    Effect.gen(function* () {
      const { reason } = yield* failedAfterHalf(chunkOf(`{"type":"message_stop"}`).subarray(0, 20))
      assert.strictEqual(reason._tag, "StreamInterrupted")
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

const events = StreamEvent.fromMessage(message())
const half = firstHalf(message())

/** A real server. `closed` waits until the first socket closes, and returns whether its answer was complete. */
const serve = Effect.fnUntraced(function* (
  backend: Backend,
  answer: (response: ServerResponse, received: Received) => unknown
) {
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
  const layer = Layer.provide(Api.layer, backend.layer(`http://127.0.0.1:${port}`))
  return { received, arrived: Deferred.await(arrived), closed: Deferred.await(closed), layer }
})

const streamed = ({ streamType }: Backend, response: ServerResponse) =>
  response.writeHead(200, { "content-type": streamType })

const create = (fields?: Partial<typeof request>) => Claude.use((claude) => claude.create({ ...request, ...fields }))
const stream = (fields?: Partial<typeof request>) =>
  Stream.unwrap(Claude.useSync((claude) => claude.stream({ ...request, ...fields })))
const countTokens = (fields?: Partial<typeof request>) =>
  Claude.use((claude) => claude.countTokens({ ...request, ...fields }))

const failed = <A>(call: Effect.Effect<A, ClaudeError, Claude>, layer: Layer.Layer<Claude>) =>
  Effect.provide(Effect.flip(call), layer)

/** A stream that has sent its first half and waits for the rest. */
const waiting = Effect.fnUntraced(function* (backend: Backend) {
  const api = yield* serve(backend, (response) => streamed(backend, response).write(backend.encode(half)))
  const taken = yield* Deferred.make<void>()
  const call = yield* stream().pipe(
    Stream.runForEach(({ type }) =>
      Effect.when(Deferred.succeed(taken, undefined), Effect.succeed(type === half.at(-1)?.type))
    ),
    Effect.provide(api.layer),
    Effect.forkChild
  )
  yield* Deferred.await(taken)
  return { call, closed: api.closed }
})

/** The error of a Bedrock stream that ends with this frame after its first half. */
const failedAfterHalf = Effect.fnUntraced(function* (frame: Uint8Array) {
  const api = yield* serve(bedrock, (response) => {
    streamed(bedrock, response).write(bedrock.encode(half))
    response.end(frame)
  })
  return yield* failed(Stream.runDrain(stream()), api.layer)
})

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes)),
  (text) => new TextEncoder().encode(text)
)

const chunkHeaders = { ":message-type": "event", ":event-type": "chunk", ":content-type": "application/json" }

/** A message of the binary event stream of AWS. */
const frameOf = (headers: Record<string, string>, body: string): Uint8Array => {
  const tagged = Object.entries(headers).map(([name, value]) => [name, { type: "string" as const, value }])
  return codec.encode({ headers: Object.fromEntries(tagged), body: new TextEncoder().encode(body) })
}

/** The frame of a chunk with this text in it. */
const chunkOf = (text: string): Uint8Array =>
  frameOf(chunkHeaders, JSON.stringify({ bytes: Buffer.from(text).toString("base64") }))
