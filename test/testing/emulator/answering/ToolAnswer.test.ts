import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as ToolAnswer from "../../../../src/testing/emulator/answering/ToolAnswer.ts"
import * as Validation from "../../../../src/testing/emulator/request/Validation.ts"

describe("ToolAnswer", () => {
  it.effect("calls all tools that the question names, in parallel, with inputs that satisfy their schemas", () =>
    Effect.gen(function* () {
      const calls = yield* answer({ messages: [user("Compare the weather and the time in City: Berlin")] })
      assert.deepStrictEqual(
        calls.map(({ name }) => name),
        ["get_weather", "get_time"]
      )
      assert.strictEqual((yield* Schema.decodeUnknownEffect(City)(calls[0]?.["input"])).unit, "celsius")
      assert.match(String(calls[0]?.["id"]), /^toolu_emulated_[0-9a-f]{24}_1$/)
      assert.match(String(calls[1]?.["id"]), /^toolu_emulated_[0-9a-f]{24}_2$/)
    })
  )

  it.effect("matches descriptions if the question names no tool, and calls no tool without a match", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* names({ messages: [user("Which clock do they go by?")] }), ["get_time"])
      assert.deepStrictEqual(yield* names({ messages: [user("Tell me a story.")] }), [])
    })
  )

  it.effect("answers in text after the results, and calls again for the next question", () =>
    Effect.gen(function* () {
      const call = { type: "tool_use", id: "a", name: "get_weather", input: {} }
      const result = { type: "tool_result", tool_use_id: "a", content: "20 degrees" }
      const answered = [
        user("What is the weather?"),
        { role: "assistant", content: [call] },
        { role: "user", content: [result] }
      ]
      assert.deepStrictEqual(yield* names({ messages: answered }), [])
      assert.deepStrictEqual(yield* names({ messages: answered, tool_choice: { type: "any" } }), ["get_time"])
      const again = [...answered, { role: "assistant", content: "Warm." }, user("And the time?")]
      assert.deepStrictEqual(yield* names({ messages: again }), ["get_time"])
    })
  )

  it.effect("follows tool_choice", () =>
    Effect.gen(function* () {
      const both = [user("The weather and the time, please.")]
      const neither = [user("Tell me a story.")]
      const one = { disable_parallel_tool_use: true }
      const cases: ReadonlyArray<
        readonly [messages: typeof both, tool_choice: object, expected: ReadonlyArray<string>]
      > = [
        [both, { type: "none" }, []],
        [both, { type: "auto", ...one }, ["get_weather"]],
        [both, { type: "tool", name: "get_time" }, ["get_time"]],
        [neither, { type: "any" }, ["get_weather"]],
        [both, { type: "any" }, ["get_weather", "get_time"]],
        [both, { type: "any", ...one }, ["get_weather"]]
      ]
      for (const [messages, tool_choice, expected] of cases) {
        assert.deepStrictEqual(yield* names({ messages, tool_choice }), [...expected], JSON.stringify(tool_choice))
      }
    })
  )
})

const City = Schema.Struct({ city: Schema.String, unit: Schema.Literals(["celsius", "fahrenheit"]) })

const tools = [
  {
    name: "get_weather",
    description: "The forecast for a place",
    input_schema: {
      type: "object",
      properties: { city: { type: "string" }, unit: { enum: ["celsius", "fahrenheit"] } },
      required: ["city", "unit"]
    }
  },
  { name: "get_time", description: "What the clock shows", input_schema: { type: "object", properties: {} } }
]

const user = (content: string) => ({ role: "user", content })

const answer = (body: object) =>
  Effect.map(
    Validation.call({
      method: "POST",
      path: "/v1/messages",
      headers: { "anthropic-version": "2026-10-21" },
      body: JSON.stringify({ model: "claude-haiku-4-5", max_tokens: 100, tools, ...body })
    }),
    ToolAnswer.answer
  )

const names = (body: object) => Effect.map(answer(body), (calls) => calls.map(({ name }) => name))
