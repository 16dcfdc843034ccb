import { Anthropic } from "@anthropic-ai/sdk"
import { assert, describe, it, layer } from "@effect/vitest"
import { AnthropicClient, Claude, type ClaudeError, Retry } from "effect-claude"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { EventSourceParserStream } from "eventsource-parser/stream"
import * as Models from "../../src/claude/Models.ts"
import * as Emulator from "../../src/testing/Emulator.ts"

const story =
  "The harbour froze in January. Ships waited outside the harbour for a month. The mayor of the town hired men to cut " +
  "the ice. Children skated on the river. In the end the ice broke by itself."

describe("Emulator.layer", () => {
  it.effect("200 calls of a second, 8 in flight, take 25 virtual seconds", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.andThen(eightAtOnce(Claude.create), Clock.currentTimeMillis))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* Fiber.join(fiber), 25_000)
      assert.lengthOf(yield* Emulator.Emulator.use(({ ledger }) => ledger), 200)
    }).pipe(Effect.provide(Emulator.layer({ latency: "1 second" })))
  )

  it.effect("200 streams at 10 tokens a second, 8 in flight, take as long as 25 consecutive streams", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.andThen(eightAtOnce(drain), Clock.currentTimeMillis))
      yield* TestClock.adjust("1 hour")
      const [first] = yield* Emulator.Emulator.use(({ ledger }) => ledger)
      assert.strictEqual(yield* Fiber.join(fiber), 25 * (500 + (first?.usage.output ?? 0) * 100))
    }).pipe(Effect.provide(Emulator.layer({ timeToFirstToken: "500 millis", tokensPerSecond: 10 })))
  )

  it.effect("runs below policies: a retry waits for the retry-after of the emulator", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.andThen(Claude.create(summarize), Clock.currentTimeMillis))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(fiber), 1000 + 500)
    }).pipe(
      Effect.provide(
        Emulator.layer({ latency: "500 millis", faults: [{ kind: 429, times: 1 }] }).pipe(
          Retry.policy(Schedule.recurs(1))
        )
      )
    )
  )

  it.effect("fails as a socket does, and a stalled stream fails after exactly a minute", () =>
    Effect.gen(function* () {
      for (const [kind, create, stream] of [
        ["refused", "ConnectionFailed at 0", "ConnectionFailed at 0"],
        ["reset", "ConnectionFailed at 0", "ConnectionFailed at 0"],
        ["reset-in-body", "ConnectionFailed at 50", "StreamInterrupted at 50"],
        ["cut", "MalformedResponse at 0", "StreamInterrupted at 0"],
        ["late", "ok at 30000", "ok at 30000"],
        ["stall", "TimedOut at 600000", "TimedOut at 60000"]
      ] as const) {
        assert.deepStrictEqual(
          [kind, yield* outcome(kind, Claude.create), yield* outcome(kind, drain)],
          [kind, create, stream]
        )
      }
    })
  )

  it.effect("keeps its emulator if only Claude is passed on", () =>
    Effect.gen(function* () {
      const hidden = Context.pick(Claude.Claude)(yield* Layer.build(Emulator.layer()))
      const { origin, requestId } = yield* Effect.provideContext(Claude.create(summarize), hidden)
      assert.strictEqual(origin, "api")
      assert.match(requestId ?? "", /^req_emulated_/)
    })
  )
})

describe("Emulator.transport", () => {
  it.effect("is the transport of all clients of a program", () =>
    Effect.gen(function* () {
      yield* Claude.create(summarize)
      assert.lengthOf(yield* Emulator.Emulator.use(({ ledger }) => ledger), 1)
    }).pipe(
      Effect.provide(
        Claude.layer.pipe(
          Layer.provideMerge(AnthropicClient.layer({ apiKey: Redacted.make("key") })),
          Layer.provideMerge(Emulator.transport())
        )
      )
    )
  )

  it.effect("serves the program's own SDK client, as its fetch", () =>
    Effect.gen(function* () {
      const { fetch, ledger, url } = yield* Emulator.Emulator
      const client = new Anthropic({ apiKey: "key", baseURL: url, fetch, maxRetries: 0 })
      yield* Effect.promise(() => client.messages.create(summarize))
      assert.lengthOf(yield* ledger, 1)
    }).pipe(Effect.provide(Emulator.transport()))
  )
})

layer(Emulator.layerServer())("Emulator.layerServer, with the SDK", (it) => {
  it.effect("answers create with sentences of the prompt, and marks the answer as emulated", () =>
    Effect.gen(function* () {
      const client = yield* sdk()
      const { data, response } = yield* Effect.promise(() => client.messages.create(summarize).withResponse())
      assert.match(data.id, /^msg_emulated_/)
      assert.strictEqual(response.headers.get("x-emulated-by"), "effect-claude")
      assert.match(response.headers.get("request-id") ?? "", /^req_emulated_/)
      const [block] = data.content
      const sentences = block?.type === "text" ? block.text.split(/(?<=\.) /) : []
      assert.lengthOf(sentences, 2)
      for (const sentence of sentences) assert.include(story, sentence)
      assert.strictEqual(data.stop_reason, "end_turn")
    })
  )

  it.effect("streams the message that create returns", () =>
    Effect.gen(function* () {
      const client = yield* sdk()
      const whole = yield* Effect.promise(() => client.messages.create(summarize))
      const streamed = yield* Effect.promise(() => client.messages.stream(summarize).finalMessage())
      assert.deepStrictEqual(
        streamed.content.map((block) => (block.type === "text" ? block.text : "")),
        whole.content.map((block) => (block.type === "text" ? block.text : ""))
      )
      assert.deepStrictEqual(streamed.usage, whole.usage)
      assert.strictEqual(streamed.stop_reason, "end_turn")
    })
  )

  it.effect("serves the beta endpoint and structured output", () =>
    Effect.gen(function* () {
      const client = yield* sdk()
      const schema = {
        type: "object",
        properties: { month: { type: "string", enum: ["January", "May"] }, mayor: { type: "string" } },
        required: ["month", "mayor"],
        additionalProperties: false
      }
      const { content } = yield* Effect.promise(() =>
        client.beta.messages.create({ ...summarize, output_config: { format: { type: "json_schema", schema } } })
      )
      const [block] = content
      const value = yield* Schema.decodeEffect(Schema.fromJsonString(Harbour))(block?.type === "text" ? block.text : "")
      assert.deepStrictEqual(value, {
        month: "January",
        mayor: "The mayor of the town hired men to cut the ice."
      })
    })
  )

  it.effect("counts the tokens that create bills", () =>
    Effect.gen(function* () {
      const client = yield* sdk()
      const { max_tokens: _, ...prompt } = summarize
      const counted = yield* Effect.promise(() => client.messages.countTokens(prompt))
      const { usage } = yield* Effect.promise(() => client.messages.create(summarize))
      assert.strictEqual(counted.input_tokens, usage.input_tokens)
    })
  )

  it.effect("lists its models, page by page", () =>
    Effect.gen(function* () {
      const client = yield* sdk()
      const listed = yield* Effect.promise(async () => {
        const all: Array<string> = []
        for await (const model of client.models.list({ limit: 5 })) all.push(model.id)
        return all
      })
      assert.deepStrictEqual(
        listed,
        Models.all.map(({ id }) => id)
      )
      const model = yield* Effect.promise(() => client.models.retrieve("claude-haiku-4-5"))
      assert.deepStrictEqual([model.display_name, model.line, model.max_tokens], ["Claude Haiku 4.5", "haiku", 64_000])
    })
  )

  it.effect("fails with the error classes of the SDK", () =>
    Effect.gen(function* () {
      const client = yield* sdk()
      const cases = [
        [() => client.messages.create({ ...summarize, messages: [] }), Anthropic.BadRequestError],
        [() => client.messages.create({ ...summarize, model: "claude-nope" }), Anthropic.NotFoundError],
        [() => client.models.retrieve("claude-nope"), Anthropic.NotFoundError]
      ] as const
      for (const [call, expected] of cases) {
        const { cause } = yield* Effect.flip(Effect.tryPromise<unknown>(call))
        assert.isTrue(cause instanceof expected, String(cause))
      }
      const stranger = yield* sdk("invalid")
      const { cause } = yield* Effect.flip(Effect.tryPromise(() => stranger.messages.create(summarize)))
      assert.instanceOf(cause, Anthropic.AuthenticationError)
    })
  )
})

layer(Emulator.layerServer({ apiKeys: ["good"] }))("Emulator.layerServer, on the wire", (it) => {
  it.effect("accepts its keys in both headers, and refuses other keys", () =>
    Effect.gen(function* () {
      const cases = [
        [{ "x-api-key": "good" }, 200, undefined],
        [{ authorization: "Bearer good" }, 200, undefined],
        [{ "x-api-key": "bad" }, 401, "invalid x-api-key"],
        [{ authorization: "Bearer bad" }, 401, "Invalid bearer token"],
        [{}, 401, "x-api-key header is required"]
      ] as const
      for (const [headers, status, message] of cases) {
        const response = yield* send("POST", "/v1/messages", headers)
        assert.strictEqual(response.status, status)
        if (message !== undefined) assert.strictEqual((yield* envelope(response)).error.message, message)
      }
    })
  )

  it.effect("wraps every error in the API's envelope, with the request id of the header", () =>
    Effect.gen(function* () {
      const cases = [
        ["POST", "/v1/nothing", 404, "not_found_error"],
        ["GET", "/v1/messages", 405, "invalid_request_error"],
        ["GET", "/v1/models?limit=none", 400, "invalid_request_error"]
      ] as const
      for (const [method, path, status, type] of cases) {
        const response = yield* send(method, path, { "x-api-key": "good" })
        assert.strictEqual(response.status, status)
        assert.strictEqual(response.headers.get("x-should-retry"), "false")
        const { error, request_id } = yield* envelope(response)
        assert.strictEqual(error.type, type)
        assert.strictEqual(request_id, response.headers.get("request-id"))
      }
    })
  )

  it.effect("sends the events of a stream in the API's order", () =>
    Effect.gen(function* () {
      const body = { ...summarize, max_tokens: 4, stream: true }
      const response = yield* send("POST", "/v1/messages", { "x-api-key": "good" }, body)
      assert.strictEqual(response.headers.get("content-type"), "text/event-stream; charset=utf-8")
      const events = yield* Effect.promise(async () => {
        const all: Array<string | undefined> = []
        const lines = response.body?.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
        for await (const event of lines ?? []) all.push(event.event)
        return all
      })
      assert.deepStrictEqual(events, [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop"
      ])
    })
  )

  it.effect("fails to serve on a port in use", () =>
    Effect.gen(function* () {
      const { url } = yield* Emulator.Emulator
      const second = Layer.build(Layer.fresh(Emulator.layerServer({ port: Number(new URL(url).port) })))
      const error = yield* Effect.flip(second)
      assert.match(String(error.cause), /EADDRINUSE/)
    })
  )

  it.effect("serves its ledger without a key, equal to the ledger in the program", () =>
    Effect.gen(function* () {
      const { ledger } = yield* Emulator.Emulator
      yield* send("POST", "/v1/messages", { "x-api-key": "good" })
      const response = yield* send("GET", "/__ledger", {})
      const { calls } = yield* json(Schema.Struct({ calls: Schema.Array(Schema.Unknown) }))(response)
      assert.isAbove(calls.length, 0)
      assert.deepStrictEqual(calls, yield* ledger)
    })
  )
})

const Harbour = Schema.Struct({ month: Schema.String, mayor: Schema.String })

const summarize = {
  model: "claude-haiku-4-5",
  max_tokens: 200,
  messages: [{ role: "user" as const, content: `Summarize in two sentences.\n\n${story}` }]
}

type Call = (request: Claude.Request) => Effect.Effect<unknown, ClaudeError.ClaudeError, Claude.Claude>

const drain: Call = (request) => Stream.runDrain(Claude.stream(request))

const eightAtOnce = (call: Call) =>
  Effect.forEach(Array.from({ length: 200 }), () => call(summarize), { concurrency: 8, discard: true })

/** The outcome of a call with this fault, and its time. */
const outcome = (kind: Emulator.Kind, call: Call) =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeMillis
    const result = call(summarize).pipe(
      Effect.match({ onSuccess: () => "ok", onFailure: ({ reason }) => reason._tag }),
      Effect.flatMap((what) => Effect.map(Clock.currentTimeMillis, (now) => `${what} at ${now - start}`))
    )
    const fiber = yield* Effect.forkChild(result)
    yield* TestClock.adjust("1 hour")
    return yield* Fiber.join(fiber)
  }).pipe(Effect.provide(Emulator.layer({ faults: [{ kind, times: 1 }] })))

const sdk = (apiKey = "key") =>
  Emulator.Emulator.useSync(({ url }) => new Anthropic({ apiKey, baseURL: url, maxRetries: 0 }))

const send = (method: string, path: string, headers: Record<string, string>, body: object = summarize) =>
  Emulator.Emulator.use(({ url }) =>
    Effect.promise(() =>
      fetch(`${url}${path}`, {
        method,
        headers: { "anthropic-version": "2026-10-21", ...headers },
        ...(method === "POST" && { body: JSON.stringify(body) })
      })
    )
  )

const json =
  <A>(schema: Schema.Codec<A>) =>
  (response: Response) =>
    Effect.flatMap(
      Effect.promise(() => response.text()),
      Schema.decodeEffect(Schema.fromJsonString(schema))
    )

const envelope = json(
  Schema.Struct({
    type: Schema.Literal("error"),
    error: Schema.Struct({ type: Schema.String, message: Schema.String }),
    request_id: Schema.String
  })
)
