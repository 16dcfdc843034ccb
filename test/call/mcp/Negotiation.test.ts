import { assert, describe, it } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { HttpError, McpClientError, TimeoutError } from "effect/ai/McpClientError"
import type * as McpClient from "effect/ai/McpClient"
import type * as McpSchema from "effect/ai/McpSchema"
import * as Negotiation from "../../../src/call/mcp/Negotiation.ts"

describe("the revision of an MCP server", () => {
  it.effect("is found after 10 seconds where the server does not answer the newest one", () =>
    Effect.gen(function* () {
      const { connect, methods } = server((method) => (method === "initialize" ? initialized : undefined))
      const fiber = yield* Effect.forkChild(connect)
      yield* TestClock.adjust("9 seconds")
      assert.deepStrictEqual(methods, ["server/discover"])
      yield* TestClock.adjust("1 second")
      const client = yield* Fiber.join(fiber)
      assert.strictEqual(client.protocolVersion, "2025-11-25")
      assert.deepStrictEqual(methods, ["server/discover", "initialize", "notifications/initialized"])
    }).pipe(Effect.scoped)
  )

  it.effect("is not found within 70 seconds where the server answers nothing", () =>
    Effect.gen(function* () {
      const { connect } = server(() => undefined)
      const fiber = yield* Effect.forkChild(Effect.flip(connect))
      yield* TestClock.adjust("70 seconds")
      assert.instanceOf((yield* Fiber.join(fiber)).reason, TimeoutError)
    }).pipe(Effect.scoped)
  )

  it.effect("is not found within the time that the caller gives", () =>
    Effect.gen(function* () {
      const { connect } = server(() => undefined, "5 seconds")
      const fiber = yield* Effect.forkChild(Effect.flip(connect))
      yield* TestClock.adjust("10 seconds")
      assert.instanceOf((yield* Fiber.join(fiber)).reason, TimeoutError)
    }).pipe(Effect.scoped)
  )

  it.effect("is not asked for again where the server wants a token, or is busy", () =>
    Effect.gen(function* () {
      for (const status of [401, 403, 429, 503]) {
        const { connect, methods } = server(() => new McpClientError({ reason: new HttpError({ status }) }))
        yield* Effect.flip(connect)
        assert.deepStrictEqual(methods, ["server/discover"], String(status))
      }
    }).pipe(Effect.scoped)
  )
})

// Builders

const initialized = { protocolVersion: "2025-11-25", capabilities: {}, serverInfo: { name: "old", version: "1" } }

/** Connects to a server with these results; undefined never answers. `methods` are the methods that it was asked for. */
const server = (answer: (method: string) => object | McpClientError | undefined, timeout?: Duration.Input) => {
  const methods: Array<string> = []
  const record = (method: string) => Effect.sync(() => methods.push(method))
  const request = ({ id, method }: McpSchema.JsonRpcRequest) =>
    Effect.andThen(record(method), () => {
      const result = answer(method)
      if (result === undefined) return Effect.never
      return result instanceof McpClientError ? Effect.fail(result) : Effect.succeed({ jsonrpc: "2.0", id, result })
    })
  const notify = ({ method }: McpSchema.JsonRpcNotification) => record(method)
  return {
    methods,
    // The constructors of Effect alone can make the brand of a transport.
    connect: Negotiation.connect(
      (protocol) =>
        Effect.succeed({ protocol, request, notify, isCallable: () => true } as unknown as McpClient.Transport),
      timeout
    )
  }
}
