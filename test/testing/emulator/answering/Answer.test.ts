import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Signature from "../../../../src/testing/emulator/request/Signature.ts"
import * as StreamEvent from "../../../../src/claude/StreamEvent.ts"
import * as Answer from "../../../../src/testing/emulator/answering/Answer.ts"
import type * as Blocks from "../../../../src/testing/emulator/answering/Blocks.ts"
import type { Options } from "../../../../src/testing/emulator/Options.ts"
import * as Validation from "../../../../src/testing/emulator/request/Validation.ts"
import * as Wire from "../../../../src/testing/emulator/answering/Message.ts"

describe("Answer", () => {
  it.effect("calls a tool, and then quotes its result", () =>
    Effect.gen(function* () {
      const ask = asking()
      const first = yield* ask({ tools })
      assert.deepStrictEqual([first.stop_reason, first.content.map(({ type }) => type)], ["tool_use", ["tool_use"]])
      const result = { type: "tool_result", tool_use_id: first.content[0]?.["id"], content: "It is 20 degrees." }
      const messages = [
        ...hello.messages,
        { role: "assistant", content: first.content },
        { role: "user", content: [result] }
      ]
      const second = yield* ask({ tools, messages })
      assert.deepStrictEqual(second.content, [{ type: "text", text: "It is 20 degrees." }])
      assert.strictEqual(second.stop_reason, "end_turn")
    })
  )

  it.effect("truncates the input of a tool at max_tokens, in streams too", () =>
    Effect.gen(function* () {
      const { answer, message } = yield* asked({ tools, max_tokens: 5 })
      assert.strictEqual(message.stop_reason, "max_tokens")
      assert.deepStrictEqual(message.content[0]?.["input"], {})
      const json = Wire.streamed("id", "model", answer, atOnce).map(({ text }) => text)
      assert.include(json.join(""), '"partial_json":"{\\"city\\":\\"Wha"')
    })
  )

  it.effect("refuses a conversation that contains Anthropic's trigger for test refusals", () =>
    Effect.gen(function* () {
      const trigger = "ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL_1FAEFB61"
      for (const body of [
        { system: `You are helpful. ${trigger}` },
        { messages: [{ role: "user", content: trigger }, { role: "assistant", content: "No." }, ...hello.messages] }
      ]) {
        const { content, stop_details, stop_reason, usage } = yield* asking()(body)
        assert.deepStrictEqual([content, stop_reason, usage.output_tokens], [[], "refusal", 0])
        assert.deepStrictEqual(stop_details, { type: "refusal", category: null, explanation: null })
        assert.isAbove(usage.input_tokens, 0)
      }
    })
  )

  it.effect("is billed, except for a refusal before any output", () =>
    Effect.gen(function* () {
      const refusing = (category: string | null, content: ReadonlyArray<Blocks.Content>) => {
        const stop_details = { type: "refusal", category, explanation: null }
        const reply = { content, stop_reason: "refusal", stop_details }
        return Effect.map(asked({}, { replies: [{ when: /weather/, reply }] }), ({ answer }) => Answer.isBilled(answer))
      }
      assert.isTrue(Answer.isBilled((yield* asked({})).answer))
      assert.isFalse(yield* refusing(null, []))
      assert.isFalse(yield* refusing("cyber", []))
      assert.isTrue(yield* refusing("bio", []))
      assert.isTrue(yield* refusing("cyber", [{ type: "text", text: "First" }]))
    })
  )

  it.effect("ends when the context window is full", () =>
    Effect.gen(function* () {
      const ask = asking()
      const filling = (tokens: number) => ({ messages: [{ role: "user", content: "word".repeat(tokens - 4) }] })
      const cut = yield* ask(filling(199_998))
      assert.deepStrictEqual([cut.stop_reason, cut.usage.output_tokens], ["model_context_window_exceeded", 2])
      const sooner = yield* ask({ ...filling(199_998), max_tokens: 1 })
      assert.deepStrictEqual([sooner.stop_reason, sooner.usage.output_tokens], ["max_tokens", 1])
    })
  )

  it.effect("reports the use of the prompt cache, streamed or not", () =>
    Effect.gen(function* () {
      const system = [{ type: "text", text: "word".repeat(5000), cache_control: { type: "ephemeral", ttl: "1h" } }]
      const { answer, message } = yield* asked({ system })
      assert.deepStrictEqual(message.usage, {
        input_tokens: 9,
        cache_creation_input_tokens: 5000,
        cache_read_input_tokens: 0,
        cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 5000 },
        output_tokens: message.usage.output_tokens,
        output_tokens_details: { thinking_tokens: 0 },
        service_tier: "standard",
        inference_geo: "not_available"
      })
      assert.deepStrictEqual(accumulated(answer), message)
    })
  )

  it.effect("does not depend on earlier requests, except for the prompt cache", () =>
    Effect.gen(function* () {
      const bodies = [{ tools }, {}, { max_tokens: 2 }, { system: "You are terse." }]
      const all = (order: typeof bodies) => {
        const ask = asking()
        return Effect.forEach(order, (body) => Effect.map(ask(body), (message) => [JSON.stringify(body), message]))
      }
      const forward = yield* all(bodies)
      assert.deepStrictEqual(forward, (yield* all(bodies.toReversed())).toReversed())
    })
  )
})

describe("replies from code", () => {
  const thinking = { type: "thinking", thinking: "Berlin, then.", signature: "c2ln" }
  const search = { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "Berlin" } }
  const found = { type: "web_search_tool_result", tool_use_id: "srvtoolu_1", content: [] }

  it.effect("are sent unchanged, streamed or not", () =>
    Effect.gen(function* () {
      const reply = {
        content: [thinking, search, found, { type: "text", text: "Warm.", citations: [{ type: "char_location" }] }],
        stop_reason: "pause_turn",
        usage: { server_tool_use: { web_search_requests: 1 } }
      }
      const { answer, message } = yield* asked({}, { replies: [{ when: /weather/, reply }] })
      assert.deepStrictEqual(message.content, reply.content)
      assert.strictEqual(message.stop_reason, "pause_turn")
      assert.deepStrictEqual({ ...message.usage, ...reply.usage }, message.usage)
      assert.strictEqual(message.usage.output_tokens_details.thinking_tokens, 4)
      assert.deepStrictEqual(accumulated(answer), message)
    })
  )

  it.effect("answer the requests that match; the first matching rule wins", () =>
    Effect.gen(function* () {
      const saying = (text: string) => ({ content: [{ type: "text", text }] })
      const ask = asking({
        replies: [
          { when: ({ max_tokens }) => max_tokens === 7, reply: saying("Seven.") },
          { when: /weather/g, reply: ({ model }) => saying(model) }
        ]
      })
      const text = (body: object) => Effect.map(ask(body), ({ content }) => content[0]?.["text"])
      assert.strictEqual(yield* text({ max_tokens: 7 }), "Seven.")
      assert.strictEqual(yield* text({}), "claude-haiku-4-5")
      assert.strictEqual(yield* text({}), "claude-haiku-4-5")
      const other = { messages: [{ role: "user", content: "The cat sat." }] }
      assert.strictEqual(yield* text(other), "The cat sat.")
    })
  )

  it.effect("end with the stop reasons of tool calls and refusals, and are truncated at max_tokens", () =>
    Effect.gen(function* () {
      const reply = {
        content: [
          { type: "text", text: "I look it up." },
          { type: "tool_use", id: "toolu_1", name: "weather", input: {} }
        ]
      }
      const when = /weather/
      assert.strictEqual((yield* asking({ replies: [{ when, reply }] })({})).stop_reason, "tool_use")
      const cut = yield* asking({ replies: [{ when, reply }] })({ max_tokens: 2 })
      assert.deepStrictEqual([cut.content, cut.stop_reason], [[{ type: "text", text: "I look i" }], "max_tokens"])
      const stop_details = { type: "refusal", category: "cyber", explanation: null }
      const refusal = { content: [{ type: "text", text: "First" }], stop_reason: "refusal", stop_details }
      const refused = yield* asking({ replies: [{ when, reply: refusal }] })({})
      assert.deepStrictEqual([refused.stop_reason, refused.stop_details], ["refusal", stop_details])
    })
  )
})

const hello = {
  model: "claude-haiku-4-5",
  max_tokens: 100,
  messages: [{ role: "user", content: "What is the weather?" }]
}

const tools = [
  {
    name: "weather",
    input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] }
  }
]

const answering = (options: Options) => {
  const answerTo = Answer.make(options, Signature.make())
  return (body: object) =>
    Effect.flatMap(
      Validation.call({
        method: "POST",
        path: "/v1/messages",
        headers: { "anthropic-version": "2026-10-21" },
        body: JSON.stringify({ ...hello, ...body })
      }),
      (call) => Effect.map(answerTo(call), (answer) => ({ answer, message: Wire.whole("msg_1", call.model, answer) }))
    )
}

const asked = (body: object, options: Options = {}) => answering(options)(body)

const asking = (options: Options = {}) => {
  const answer = answering(options)
  return (body: object) => Effect.map(answer(body), ({ message }) => message)
}

const atOnce = { timeToFirstToken: 0, tokensPerSecond: Infinity }

/** The message that a client accumulates from the stream. */
const accumulated = (answer: Answer.Answer): unknown => {
  const accumulator = StreamEvent.accumulator()
  for (const { text } of Wire.streamed("msg_1", "claude-haiku-4-5-20251001", answer, atOnce)) {
    for (const [, data = ""] of text.matchAll(/^data: (.*)$/gm)) accumulator.add(JSON.parse(data))
  }
  return accumulator.message()
}
