import Anthropic from "@anthropic-ai/sdk"
import { createServer } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Agent, type Dispatcher, Dispatcher1Wrapper, getGlobalDispatcher, MockAgent, setGlobalDispatcher } from "undici"
import * as AnthropicClient from "../../src/claude/AnthropicClient.ts"
import * as Api from "../../src/claude/Api.ts"
import { Claude } from "../../src/claude/Claude.ts"
import { globalFetch } from "../../src/claude/Transport.ts"
import { message, request } from "../fixtures.ts"

describe("the global fetch", () => {
  it.live("does not limit the time of an answer, and uses the dispatcher of the program", () =>
    Effect.gen(function* () {
      const url = yield* serve
      const { agent, limits } = yield* recording
      yield* setGlobal(agent)
      yield* ask(AnthropicClient.layer({ apiKey, baseURL: url }))
      assert.deepStrictEqual(limits, [{ headersTimeout: 0, bodyTimeout: 0 }])
    })
  )

  it.live("uses the dispatcher of the client's options", () =>
    Effect.gen(function* () {
      const url = yield* serve
      const { agent, limits } = yield* recording
      yield* ask(
        AnthropicClient.layer({ apiKey, baseURL: url, fetchOptions: { dispatcher: new Dispatcher1Wrapper(agent) } })
      )
      assert.deepStrictEqual(limits, [{ headersTimeout: 0, bodyTimeout: 0 }])
    })
  )

  it.live("carries bodies to undici's MockAgent, which tests set", () =>
    Effect.gen(function* () {
      const mock = new MockAgent()
      mock.disableNetConnect()
      mock.get("http://mocked.test").intercept({ path: "/", method: "POST", body: "hello" }).reply(200, "mocked")
      yield* setGlobal(mock)
      const response = yield* Effect.promise(() =>
        globalFetch("http://mocked.test/", { method: "POST", body: "hello" })
      )
      assert.strictEqual(yield* Effect.promise(() => response.text()), "mocked")
    })
  )
})

describe("the fetch of a client that the program built", () => {
  it.live("does not limit the time of an answer, with its own dispatcher or the global one", () =>
    Effect.gen(function* () {
      const url = yield* serve
      const options = { apiKey: "key", baseURL: url }
      const { agent, limits } = yield* recording
      yield* ask(
        AnthropicClient.layerFrom(
          new Anthropic({ ...options, fetchOptions: { dispatcher: new Dispatcher1Wrapper(agent) } })
        )
      )
      yield* setGlobal(agent)
      yield* ask(AnthropicClient.layerFrom(new Anthropic(options)))
      const none = { headersTimeout: 0, bodyTimeout: 0 }
      assert.deepStrictEqual(limits, [none, none])
    })
  )
})

// Builders

const apiKey = Redacted.make("key")

const ask = <E>(client: Layer.Layer<AnthropicClient.AnthropicClient, E>) =>
  Claude.use((claude) => claude.create(request)).pipe(Effect.provide(Layer.provide(Api.layer, client)))

/** An agent that records the limits of each request. Node's fetch accepts an agent of undici 8 only in a wrapper. */
const recording = Effect.acquireRelease(
  Effect.sync(() => {
    const limits: Array<unknown> = []
    const agent = new Agent({ headersTimeout: 1, bodyTimeout: 1 }).compose((dispatch) => (options, handler) => {
      limits.push({ headersTimeout: options.headersTimeout, bodyTimeout: options.bodyTimeout })
      return dispatch(options, handler)
    })
    return { agent, limits }
  }),
  ({ agent }) => Effect.promise(() => agent.close())
)

/** Sets the dispatcher of Node's fetch and of undici's for one test. */
const setGlobal = (dispatcher: Dispatcher) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = getGlobalDispatcher()
      setGlobalDispatcher(dispatcher)
      return before
    }),
    (before) => Effect.sync(() => setGlobalDispatcher(before))
  )

/** The address of a server that answers every call. */
const serve = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly close: () => void }>((resume) => {
    const server = createServer((incoming, response) => {
      incoming.resume()
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(message()))
    })
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" ? (address?.port ?? 0) : 0
      const close = () => {
        server.closeAllConnections()
        server.close()
      }
      resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, close }))
    })
  }),
  ({ close }) => Effect.sync(close)
).pipe(Effect.map(({ url }) => url))
