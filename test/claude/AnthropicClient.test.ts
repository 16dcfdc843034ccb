import Anthropic from "@anthropic-ai/sdk"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { Agent } from "undici"
import * as AnthropicClient from "../../src/claude/AnthropicClient.ts"
import * as Api from "../../src/claude/Api.ts"
import { Claude } from "../../src/claude/Claude.ts"
import type { ClaudeError } from "../../src/claude/ClaudeError.ts"
import { Transport } from "../../src/claude/Transport.ts"
import { message, request } from "../fixtures.ts"

describe("layer", () => {
  it.effect("reads nothing from the environment", () =>
    Effect.gen(function* () {
      yield* environment({
        ANTHROPIC_API_KEY: "sk-ant-environment",
        ANTHROPIC_AUTH_TOKEN: "token-environment",
        ANTHROPIC_BASE_URL: "http://environment.invalid",
        ANTHROPIC_LOG: "debug"
      })
      const sent = yield* sentThrough(Layer.provide(Api.layer, AnthropicClient.layer({ apiKey })))
      assert.strictEqual(sent.url, "https://api.anthropic.com/v1/messages")
      assert.strictEqual(sent.headers.get("authorization"), "Bearer sk-ant-test")
      assert.notInclude(JSON.stringify([...sent.headers]), "environment")
      assert.strictEqual(yield* Effect.provide(logLevel, AnthropicClient.layer({ apiKey })), "warn")
    })
  )

  it.effect("switches off the spans of the SDK", () =>
    Effect.gen(function* () {
      yield* environment({ ANTHROPIC_OPEN_TELEMETRY: "true" })
      const client = yield* Effect.provide(AnthropicClient.AnthropicClient, AnthropicClient.layer({ apiKey }))
      assert.isFalse(client instanceof Anthropic && client.openTelemetry.traces.enabled)
    })
  )

  it.effect("passes options on to the SDK, such as headers for all calls", () =>
    Effect.gen(function* () {
      const options = { apiKey, baseURL: "http://gateway.invalid/claude", defaultHeaders: { "x-team": "blue" } }
      const sent = yield* sentThrough(Layer.provide(Api.layer, AnthropicClient.layer(options)))
      assert.strictEqual(sent.url, "http://gateway.invalid/claude/v1/messages")
      assert.strictEqual(sent.headers.get("x-team"), "blue")
    })
  )
})

describe("layer with a key or an address that cannot work", () => {
  it.effect("fails before anything is sent", () =>
    Effect.gen(function* () {
      const broken = AnthropicClient.layer({ apiKey: Redacted.make("Bearer SECRET") })
      const error = yield* Effect.flip(sentThrough(Layer.provide(Api.layer, broken)))
      assert.strictEqual(error.message, 'the API key begins with "Bearer"; leave that word out')
    })
  )
})

describe("layerConfig", () => {
  it.effect("reads the key and the address through the ConfigProvider", () =>
    Effect.gen(function* () {
      const config = { ANTHROPIC_API_KEY: "sk-ant-config", ANTHROPIC_BASE_URL: "http://config.invalid" }
      const sent = yield* sentThrough(Api.layerConfig(), config)
      assert.strictEqual(sent.url, "http://config.invalid/v1/messages")
      assert.strictEqual(sent.headers.get("authorization"), "Bearer sk-ant-config")
    })
  )

  it.effect("uses the public address if the configuration has no address", () =>
    Effect.gen(function* () {
      yield* environment({ ANTHROPIC_BASE_URL: "http://environment.invalid" })
      const sent = yield* sentThrough(Api.layerConfig(), { ANTHROPIC_API_KEY: "sk-ant-config" })
      assert.strictEqual(sent.url, "https://api.anthropic.com/v1/messages")
    })
  )

  it.effect.each([
    { config: {}, message: "ANTHROPIC_API_KEY is not set; set it to your API key" },
    { config: { ANTHROPIC_API_KEY: "" }, message: "ANTHROPIC_API_KEY is not set; set it to your API key" },
    { config: { ANTHROPIC_API_KEY: "'k'" }, message: "ANTHROPIC_API_KEY is in quotes; remove the quotes" },
    {
      config: { ANTHROPIC_API_KEY: "k", ANTHROPIC_BASE_URL: "localhost:4000" },
      message:
        "ANTHROPIC_BASE_URL has no http:// or https:// at its beginning; write it as https://host or http://host:port"
    }
  ])("fails before anything is sent, and names the variable and the remedy: $message", ({ config, message }) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(sentThrough(Api.layerConfig(), config))
      assert.strictEqual(error._tag, "ClientMisconfigured")
      assert.strictEqual(error.message, message)
    })
  )

  it.effect("ignores white space around the key and the address, and an empty address", () =>
    Effect.gen(function* () {
      const config = { ANTHROPIC_API_KEY: " sk-ant-config\n", ANTHROPIC_BASE_URL: "http://config.invalid\n" }
      const sent = yield* sentThrough(Api.layerConfig(), config)
      assert.strictEqual(sent.url, "http://config.invalid/v1/messages")
      assert.strictEqual(sent.headers.get("authorization"), "Bearer sk-ant-config")
      const { url } = yield* sentThrough(Api.layerConfig(), { ANTHROPIC_API_KEY: "k", ANTHROPIC_BASE_URL: " " })
      assert.strictEqual(url, "https://api.anthropic.com/v1/messages")
    })
  )
})

describe("layerFrom", () => {
  it.effect("keeps the client's own fetch", () =>
    Effect.gen(function* () {
      const fetch = () => Promise.resolve(Response.json(message("from my own fetch")))
      const client = new Anthropic({ apiKey: "sk-ant-test", fetch })
      const reply = yield* Effect.provide(create({}), layerFrom(client))
      assert.deepStrictEqual(reply.message, message("from my own fetch"))
    })
  )

  it.effect("turns the client's retries off for our calls", () =>
    Effect.gen(function* () {
      const calls: Array<unknown> = []
      const fetch = (input: unknown) => {
        calls.push(input)
        return Promise.resolve(new Response(null, { status: 529 }))
      }
      yield* failed(create({}), new Anthropic({ apiKey: "sk-ant-test", fetch, maxRetries: 5 }))
      assert.strictEqual(calls.length, 1)
    })
  )

  it.effect("turns the client's check against long calls off for our calls", () =>
    Effect.gen(function* () {
      const fetch = () => Promise.resolve(Response.json(message()))
      const client = new Anthropic({ apiKey: "sk-ant-test", fetch })
      const { message: answer } = yield* Effect.provide(create({ max_tokens: 64_000 }), layerFrom(client))
      assert.deepStrictEqual(answer, message())
    })
  )

  it.effect("fails with Unsupported if the client cannot count tokens", () =>
    Effect.gen(function* () {
      const { create: only } = new Anthropic({ apiKey: "sk-ant-test" }).messages
      const { reason } = yield* failed(countTokens({}), { messages: { create: only } })
      assert.strictEqual(reason._tag, "Unsupported")
      assert.match(reason.message, /cannot count tokens/)
    })
  )

  it.effect.each([
    { verb: "create", call: () => create(beta) },
    { verb: "stream", call: () => Stream.runDrain(stream(beta)) },
    { verb: "countTokens", call: () => countTokens(beta) }
  ])("fails $verb with Unsupported if the client has no beta API", ({ call }) =>
    Effect.gen(function* () {
      const { messages } = new Anthropic({ apiKey: "sk-ant-test" })
      const { reason } = yield* failed(call(), { messages })
      assert.strictEqual(reason._tag, "Unsupported")
      assert.match(reason.message, /beta/)
    })
  )

  it.live("fails without a retry, and names the remedy, where the dispatcher is of a newer undici than the fetch", () =>
    Effect.gen(function* () {
      const options = { apiKey: "key", baseURL: "http://127.0.0.1:10000", fetchOptions: { dispatcher: new Agent() } }
      const error = yield* failed(create({}), new Anthropic(options))
      assert.isFalse(error.isRetryable)
      assert.match(error.message, /Dispatcher1Wrapper/)
    })
  )

  it.effect("fails without a retry if the client has no key", () =>
    Effect.gen(function* () {
      yield* environment({ ANTHROPIC_CONFIG_DIR: "/nowhere" })
      const error = yield* failed(create({}), new Anthropic({ apiKey: null, authToken: null }))
      assert.isFalse(error.isRetryable)
    })
  )
})

// Builders

const apiKey = Redacted.make("sk-ant-test")
const beta = { betas: ["compact-2026-09-04"] }

const create = (fields: Partial<typeof request>) => Claude.use((claude) => claude.create({ ...request, ...fields }))
const stream = (fields: Partial<typeof request>) =>
  Stream.unwrap(Claude.useSync((claude) => claude.stream({ ...request, ...fields })))
const countTokens = (fields: Partial<typeof request>) =>
  Claude.use((claude) => claude.countTokens({ ...request, ...fields }))

const layerFrom = (client: AnthropicClient.Client) => Layer.provide(Api.layer, AnthropicClient.layerFrom(client))

const failed = <A>(call: Effect.Effect<A, ClaudeError, Claude>, client: AnthropicClient.Client) =>
  Effect.provide(Effect.flip(call), layerFrom(client))

const logLevel = AnthropicClient.AnthropicClient.useSync((client) => client instanceof Anthropic && client.logLevel)

/** The URL and headers of a call through a layer. */
const sentThrough = Effect.fnUntraced(function* <E>(layer: Layer.Layer<Claude, E>, config = {}) {
  let sent = { url: "", headers: new Headers() }
  yield* create({}).pipe(
    Effect.provide(layer),
    Effect.provideService(Transport, (input, init) => {
      sent = { url: String(input), headers: new Headers(init?.headers) }
      return Promise.resolve(Response.json(message()))
    }),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(config))
  )
  return sent
})

/** Sets variables of the process for one test. */
const environment = (variables: Record<string, string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = { ...process.env }
      Object.assign(process.env, variables)
      return before
    }),
    (before) => Effect.sync(() => (process.env = before))
  )
