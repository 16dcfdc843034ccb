import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Request from "../../../src/claude/Request.ts"
import * as Usage from "../../../src/claude/Usage.ts"
import * as App from "../../../src/testing/emulator/App.ts"
import * as Exchange from "../../../src/testing/emulator/wire/Exchange.ts"

describe("time", () => {
  it.effect("an answer that is not streamed takes the latency", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ latency: "800 millis" })
      const fiber = yield* Effect.forkChild(timed(post(app, hello)))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).at, 800)
    })
  )

  it.effect("by default, an answer takes as long as its stream", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ timeToFirstToken: "1 second", tokensPerSecond: 2 })
      const fiber = yield* Effect.forkChild(timed(post(app, hello)))
      yield* TestClock.adjust("1 minute")
      const { at, value } = yield* Fiber.join(fiber)
      assert.strictEqual(at, 1000 + message(value).usage.output_tokens * 500)
    })
  )

  it.effect("a stream starts at once, and sends its tokens at the given rate", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ timeToFirstToken: "1 second", tokensPerSecond: 8 })
      const fiber = yield* Effect.forkChild(events(yield* post(app, { ...hello, stream: true })))
      yield* TestClock.adjust("1 minute")
      const all = yield* Fiber.join(fiber)
      assert.deepStrictEqual(
        all.map(({ at, type }) => `${at} ${type}`),
        [
          "0 message_start",
          "1000 content_block_start",
          "1000 ping",
          "1000 content_block_delta",
          "1500 content_block_delta",
          "1750 content_block_stop",
          "1750 message_delta",
          "1750 message_stop"
        ]
      )
    })
  )

  it.effect("a stream sends pings while it waits for tokens", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ timeToFirstToken: "25 seconds" })
      const fiber = yield* Effect.forkChild(events(yield* post(app, { ...hello, stream: true })))
      yield* TestClock.adjust("1 minute")
      const pings = (yield* Fiber.join(fiber)).filter(({ type }) => type === "ping")
      assert.deepStrictEqual(
        pings.map(({ at }) => at),
        [10_000, 20_000, 25_000]
      )
    })
  )
})

describe("the ledger", () => {
  it.effect("has each billed call under the hash that the client computes, with its total usage", () =>
    Effect.gen(function* () {
      const app = yield* App.make()
      const whole = message(yield* post(app, hello))
      yield* Effect.flatMap(post(app, { ...hello, stream: true }), events)
      yield* post(app, { ...hello, max_tokens: 0 }, { "anthropic-beta": "context-1m-2025-08-07" })
      yield* post(app, { ...hello, model: "claude-nope" })
      yield* post(app, hello, {}, "/v1/messages/count_tokens")
      const requestHash = Request.hash(hello)
      const dated = "claude-haiku-4-5-20251001"
      const { input_tokens: input, output_tokens: output } = whole.usage
      const usage = { ...Usage.zero, input, output, serviceTier: "standard" }
      const calls = [
        { requestHash, model: dated, usage },
        { requestHash, model: dated, usage },
        {
          requestHash: Request.hash({ ...hello, max_tokens: 0, betas: ["context-1m-2025-08-07"] }),
          model: dated,
          usage: { ...usage, output: 0 }
        }
      ]
      assert.deepStrictEqual(yield* app.ledger, calls)
      const body = yield* text(yield* get(app, "/__ledger"))
      assert.deepStrictEqual(parse(body), { calls })
      assert.lengthOf(body.trim().split("\n"), 2 + calls.length)
    })
  )

  it.effect("counts the same tokens in count_tokens and in usage", () =>
    Effect.gen(function* () {
      const app = yield* App.make()
      const { max_tokens, ...counted } = hello
      const request = {
        ...counted,
        system: "You are terse.",
        tools: [{ name: "noop", input_schema: { type: "object" } }]
      }
      const answer = parse(yield* text(yield* post(app, request, {}, "/v1/messages/count_tokens")))
      const { input_tokens } = message(yield* post(app, { ...request, max_tokens })).usage
      assert.deepStrictEqual(answer, { input_tokens })
    })
  )

  it.effect("does not bill a call that is cancelled while it waits", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ latency: "1 minute" })
      const fiber = yield* Effect.forkChild(post(app, hello))
      yield* TestClock.adjust("30 seconds")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* app.ledger, [])
    })
  )

  it.effect("bills a cancelled stream for the tokens that it has sent", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ timeToFirstToken: "1 second", tokensPerSecond: 8 })
      const fiber = yield* Effect.forkChild(events(yield* post(app, { ...hello, stream: true })))
      yield* TestClock.adjust("1200 millis")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(
        (yield* app.ledger).map(({ usage }) => usage.output),
        [4]
      )
    })
  )
})

describe("answers", () => {
  it.effect("are equal for equal requests, streamed or not, except for the id of the message", () =>
    Effect.gen(function* () {
      const app = yield* App.make()
      const first = message(yield* post(app, hello))
      const second = message(yield* post(app, hello))
      const streamed = yield* Effect.flatMap(post(app, { ...hello, stream: true }), events)
      assert.deepStrictEqual(first.content, second.content)
      assert.strictEqual(streamed.map(({ text }) => text).join(""), first.content[0]?.text)
      assert.match(first.id, /^msg_emulated_/)
      assert.notStrictEqual(first.id, second.id)
    })
  )

  it.effect("stop at max_tokens", () =>
    Effect.gen(function* () {
      const app = yield* App.make()
      const { content, stop_reason, usage } = message(yield* post(app, { ...hello, max_tokens: 3 }))
      assert.deepStrictEqual([content[0]?.text, stop_reason, usage.output_tokens], ["The cat sat ", "max_tokens", 3])
    })
  )

  it.effect("stop at the first stop sequence", () =>
    Effect.gen(function* () {
      const app = yield* App.make()
      for (const stop_sequences of [
        ["mat", " sat"],
        [" sat", "mat"]
      ]) {
        const { content, stop_reason, stop_sequence } = message(yield* post(app, { ...hello, stop_sequences }))
        assert.deepStrictEqual([content[0]?.text, stop_reason, stop_sequence], ["The cat", "stop_sequence", " sat"])
      }
    })
  )

  it.effect("quote documents, tool results and earlier turns", () =>
    Effect.gen(function* () {
      const app = yield* App.make()
      const source = { type: "text", media_type: "text/plain", data: "The mayor was Ann Lee." }
      const asked = { ...hello, messages: [{ role: "user", content: [{ type: "document", source }] }] }
      assert.strictEqual(message(yield* post(app, asked)).content[0]?.text, "The mayor was Ann Lee.")
      const result = { type: "tool_result", tool_use_id: "t", content: [{ type: "text", text: "It is 20 degrees." }] }
      const turns = [
        { role: "user", content: "What is the weather?" },
        { role: "assistant", content: [{ type: "tool_use", id: "t", name: "weather", input: {} }] },
        { role: "user", content: [result] }
      ]
      const tools = [{ name: "weather", input_schema: { type: "object" } }]
      const answered = message(yield* post(app, { ...hello, messages: turns, tools }))
      assert.strictEqual(answered.content[0]?.text, "It is 20 degrees.")
    })
  )
})

const hello = {
  model: "claude-haiku-4-5",
  max_tokens: 100,
  messages: [{ role: "user", content: "The cat sat on the mat." }]
} satisfies Request.Request

const key = { "x-api-key": "key", "anthropic-version": "2026-10-21" }

const post = (app: App.App, body: object, headers: object = {}, path = "/v1/messages") =>
  app.handle({ method: "POST", path, headers: { ...key, ...headers }, body: JSON.stringify(body) })

const get = (app: App.App, path: string) => app.handle({ method: "GET", path, headers: key, body: "" })

const parse = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Unknown))

const Message = Schema.Struct({
  id: Schema.String,
  content: Schema.Array(Schema.Struct({ type: Schema.String, text: Schema.String })),
  stop_reason: Schema.String,
  stop_sequence: Schema.NullOr(Schema.String),
  usage: Schema.Struct({ input_tokens: Schema.Int, output_tokens: Schema.Int })
})

const decodeMessage = Schema.decodeUnknownSync(Schema.fromJsonString(Message))

const message = (response: Exchange.Response) => decodeMessage(response.body)

const text = ({ body }: Exchange.Response) =>
  typeof body === "string" ? Effect.succeed(body) : Stream.mkString(Stream.map(body, Exchange.text))

const timed = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.flatMap(effect, (value) => Effect.map(Clock.currentTimeMillis, (at) => ({ at, value })))

const Event = Schema.fromJsonString(
  Schema.Struct({
    type: Schema.String,
    delta: Schema.optionalKey(Schema.Struct({ text: Schema.optionalKey(Schema.String) }))
  })
)

/** The events of a stream, with their times. */
const events = ({ body }: Exchange.Response) =>
  (typeof body === "string" ? Stream.make(body) : body).pipe(
    Stream.mapEffect((chunk) => timed(Effect.succeed(chunk))),
    Stream.flatMap(({ at, value }) =>
      Stream.fromIterable(
        Exchange.text(value)
          .trim()
          .split("\n\n")
          .map((event) => ({ at, data: event.replace(/^event: \w+\ndata: /, "") }))
      )
    ),
    Stream.mapEffect(({ at, data }) =>
      Effect.map(Effect.orDie(Schema.decodeEffect(Event)(data)), ({ delta, type }) => ({
        at,
        type,
        text: delta?.text ?? ""
      }))
    ),
    Stream.runCollect
  )
