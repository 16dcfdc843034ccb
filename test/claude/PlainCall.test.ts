import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as AnthropicClient from "../../src/claude/AnthropicClient.ts"
import * as Api from "../../src/claude/Api.ts"
import { Claude } from "../../src/claude/Claude.ts"
import type { Request } from "../../src/claude/Request.ts"
import { fromMessage } from "../../src/claude/StreamEvent.ts"
import { type Fetch, Transport } from "../../src/claude/Transport.ts"
import { vi } from "vitest"
import { failure, message, request, sse } from "../fixtures.ts"

describe("a plain call", () => {
  it.effect("is sent as the SDK sent the first one, except for its body", () =>
    Effect.gen(function* () {
      const { claude, sent } = yield* recorded({ defaultHeaders: { "x-team": "letters" } })
      const other = { ...request, messages: [{ role: "user" as const, content: "Another." }] }
      const { create, stream } = yield* claude
      for (const asked of [request, other]) yield* create(asked)
      for (const asked of [request, other]) yield* Stream.runDrain(stream(asked))
      const [first, second, streamed, streamedToo] = sent
      assert.strictEqual(first?.headers["x-team"], "letters")
      assert.strictEqual(first?.headers["authorization"], "Bearer test-key")
      assert.deepStrictEqual<unknown>(second, { ...first, body: JSON.stringify(other) })
      assert.deepStrictEqual<unknown>(streamedToo, { ...streamed, body: JSON.stringify({ ...other, stream: true }) })
    })
  )

  it.effect("with other fields is sent by the SDK, with its own headers", () =>
    Effect.gen(function* () {
      const { claude, sent } = yield* recorded({})
      const { create } = yield* claude
      yield* create(request)
      yield* create({ ...request, headers: { "x-row": "7" } })
      yield* create({ ...request, betas: ["some-beta"] })
      yield* create(request)
      assert.deepStrictEqual(
        sent.map(({ headers }) => [headers["x-row"], headers["anthropic-beta"]]),
        [
          [undefined, undefined],
          ["7", undefined],
          [undefined, "some-beta"],
          [undefined, undefined]
        ]
      )
    })
  )

  it.effect("with a field that the SDK sends as a header is sent by the SDK each time", () =>
    Effect.gen(function* () {
      const { claude, sent } = yield* recorded({})
      const { create } = yield* claude
      yield* create(request)
      for (const user_profile_id of ["u1", "u2"]) yield* create({ ...request, user_profile_id })
      assert.deepStrictEqual(
        sent.map(({ headers }) => headers["anthropic-user-profile-id"]),
        [undefined, "u1", "u2"]
      )
      assert.deepStrictEqual(new Set(sent.map(({ body }) => body)), new Set([JSON.stringify(request)]))
    })
  )

  it.effect("is logged by the SDK each time, if the log level of the client asks for it", () =>
    Effect.gen(function* () {
      const silent = (level: "debug" | "info") => vi.spyOn(console, level).mockImplementation(() => undefined)
      const [debug, info] = [silent("debug"), silent("info")]
      const { claude } = yield* recorded({ logLevel: "debug" })
      const { create } = yield* claude
      yield* create(request)
      const lines = debug.mock.calls.length
      yield* create(request)
      assert.isAbove(lines, 0)
      assert.strictEqual(debug.mock.calls.length, 2 * lines)
      for (const spy of [debug, info]) spy.mockRestore()
    })
  )

  it.effect("passes the middleware of the client each time", () =>
    Effect.gen(function* () {
      let passed = 0
      const middleware: NonNullable<AnthropicClient.Options["middleware"]> = [
        (request, next) => {
          passed++
          return next(request)
        }
      ]
      const { claude } = yield* recorded({ middleware })
      const { create } = yield* claude
      for (const _ of [1, 2, 3]) yield* create(request)
      assert.strictEqual(passed, 3)
    })
  )

  it.effect("fails as the SDK reads it: an error status, and a connection that broke", () =>
    Effect.gen(function* () {
      const answers: ReadonlyArray<() => Promise<Response>> = [
        ok,
        async () =>
          Response.json(failure("overloaded_error", "busy"), { status: 529, headers: { "request-id": "req_9" } }),
        () =>
          Promise.reject(
            new TypeError("fetch failed", { cause: Object.assign(new Error("gone"), { code: "ECONNRESET" }) })
          ),
        ok
      ]
      const { claude, sent } = yield* recorded({}, answers)
      const { create } = yield* claude
      yield* create(request)
      const overloaded = yield* Effect.flip(create(request))
      const broken = yield* Effect.flip(create(request))
      yield* create(request)
      assert.deepInclude(overloaded.reason, { _tag: "Overloaded", status: 529, requestId: "req_9", detail: "busy" })
      assert.deepInclude(broken.reason, { _tag: "ConnectionFailed", code: "ECONNRESET" })
      assert.lengthOf(sent, 4, "no call is sent twice")
    })
  )
})

// Builders

const ok = async () => Response.json(message(), { headers: { "request-id": "req_1" } })

/** The API over a transport that records its requests. */
const recorded = (
  options: Omit<AnthropicClient.Options, "apiKey">,
  answers: ReadonlyArray<() => Promise<Response>> = []
) =>
  Effect.gen(function* () {
    const sent: Array<{ url: string; method: string | undefined; headers: Record<string, string>; body: unknown }> = []
    const transport: Fetch = (input, init = {}) => {
      const answer = answers[sent.length] ?? ok
      const headers = Object.fromEntries(new Headers(init.headers))
      sent.push({ url: String(input), method: init.method, headers, body: init.body })
      if (!String(init.body).includes('"stream":true')) return answer()
      return Promise.resolve(
        new Response(sse(fromMessage(message())), { headers: { "content-type": "text/event-stream" } })
      )
    }
    const client = AnthropicClient.layer({ ...options, apiKey: Redacted.make("test-key") })
    const context = yield* Layer.build(Api.layer.pipe(Layer.provide(client)))
    const claude = Effect.map(Claude, ({ create, stream }) => ({
      create: (request: Request) => Effect.provideService(create(request), Transport, transport),
      stream: (request: Request) => Stream.provideService(stream(request), Transport, transport)
    })).pipe(Effect.provide(context))
    return { claude, sent }
  })
