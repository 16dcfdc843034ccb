import { Anthropic } from "@anthropic-ai/sdk"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Emulator from "../../../../src/testing/Emulator.ts"

describe("the fetch of an emulator in memory", () => {
  it.effect("serves an SDK client in virtual time", () =>
    Effect.gen(function* () {
      const { client } = yield* emulated({ latency: "1 hour" })
      const call = Effect.promise(() => client.messages.create(hello))
      const fiber = yield* Effect.forkChild(Effect.andThen(call, Clock.currentTimeMillis))
      yield* settle
      yield* TestClock.adjust("2 hours")
      assert.strictEqual(yield* Fiber.join(fiber), 3_600_000)
    })
  )

  it.effect("streams at the rate of the clock", () =>
    Effect.gen(function* () {
      const { client } = yield* emulated({ timeToFirstToken: "10 seconds", tokensPerSecond: 1 })
      const clock = yield* Clock.Clock
      const seen: Array<string> = []
      const stream = client.messages.stream(hello)
      stream.on("text", (delta) => seen.push(`${clock.currentTimeMillisUnsafe()} ${delta}`))
      yield* settle
      yield* TestClock.adjust("1 minute")
      yield* Effect.promise(() => stream.finalMessage())
      assert.deepStrictEqual(seen, ["10000 The cat sat on t", "14000 he mat."])
    })
  )

  it.effect("rejects an aborted call, interrupts it, and does not bill it", () =>
    Effect.gen(function* () {
      const { client, emulator } = yield* emulated({ latency: "1 hour" })
      const scope = yield* Scope.make()
      const signal = yield* Scope.provide(Effect.abortSignal, scope)
      const call = Effect.tryPromise(() => client.messages.create(hello, { signal }))
      const fiber = yield* Effect.forkChild(Effect.flip(call))
      yield* settle
      yield* Scope.close(scope, Exit.void)
      const { cause } = yield* Fiber.join(fiber)
      assert.instanceOf(cause, Anthropic.APIUserAbortError)
      yield* TestClock.adjust("2 hours")
      assert.deepStrictEqual(yield* emulator.ledger, [])
    })
  )

  it.effect("rejects as Node's fetch does without a connection, or when the connection breaks", () =>
    Effect.gen(function* () {
      const rejection = Effect.fnUntraced(function* (kind: Emulator.Kind) {
        const { client } = yield* emulated({ faults: [{ kind, times: 1 }] })
        const call = Effect.tryPromise(() =>
          client.messages
            .create(hello)
            .asResponse()
            .then((whole) => whole.text())
        )
        const fiber = yield* Effect.forkChild(Effect.flip(call))
        yield* settle
        yield* TestClock.adjust("1 second")
        const { cause } = yield* Fiber.join(fiber)
        return cause instanceof Anthropic.APIConnectionError ? cause.cause : cause
      })
      for (const [kind, message, code] of [
        ["refused", "fetch failed", "ECONNREFUSED"],
        ["reset", "fetch failed", "ECONNRESET"],
        ["reset-in-body", "terminated", "ECONNRESET"]
      ] as const) {
        const error = yield* rejection(kind)
        assert.instanceOf(error, TypeError)
        assert.deepStrictEqual([error.message, Object(error.cause).code], [message, code])
      }
    })
  )

  it.effect("stops an abandoned stream, and bills the tokens that it has sent", () =>
    Effect.gen(function* () {
      const { client, emulator } = yield* emulated({ timeToFirstToken: "10 seconds", tokensPerSecond: 1 })
      const response = client.messages.create({ ...hello, stream: true })
      yield* settle
      yield* TestClock.adjust("11 seconds")
      const stream = yield* Effect.promise(() => response)
      stream.controller.abort()
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(
        (yield* emulator.ledger).map(({ usage }) => usage.output),
        [4]
      )
    })
  )
})

const hello = {
  model: "claude-haiku-4-5",
  max_tokens: 100,
  messages: [{ role: "user" as const, content: "The cat sat on the mat." }]
}

const emulated = Effect.fnUntraced(function* (options: Emulator.Options) {
  const emulator = Context.get(yield* Layer.build(Emulator.transport(options)), Emulator.Emulator)
  const { fetch, url } = emulator
  return { emulator, client: new Anthropic({ apiKey: "key", baseURL: url, fetch, maxRetries: 0 }) }
})

/** The SDK needs several turns of the event loop before it calls `fetch`. */
const settle = Effect.repeat(Effect.yieldNow, { times: 20 })
