import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Prompt from "../../../../src/testing/emulator/request/Prompt.ts"
import * as Tools from "../../../../src/testing/emulator/request/Tools.ts"

describe("Tools.read", () => {
  it.effect("gives the tools that the client runs; those of Anthropic's have a type", () =>
    Effect.gen(function* () {
      const tools = [weather, { type: "web_search_20260318", name: "web_search" }]
      const read = yield* Tools.read({ messages: hello, tools }, undefined, model)
      assert.deepStrictEqual(read, [weather])
    })
  )

  it.effect("refuses definitions and choices that the API refuses, in its words", () =>
    Effect.gen(function* () {
      const { input_schema, ...noSchema } = weather
      const cases: ReadonlyArray<readonly [tools: Prompt.Fields["tools"], choice: Tools.Choice, message: string]> = [
        [[weather, weather], auto, "tools: Tool names must be unique."],
        [[noSchema], auto, "tools.0.custom.input_schema: Field required"],
        [[{ ...noSchema, input_schema: {} }], auto, "tools.0.custom.input_schema.type: Field required"],
        [
          [weather, { ...noSchema, name: "b", input_schema: { ...input_schema, type: "string" } }],
          auto,
          "tools.1.custom.input_schema.type: Input should be 'object'"
        ],
        [[{ input_schema }], auto, "tools.0.custom.name: Field required"],
        [
          [{ ...weather, name: "get weather" }],
          auto,
          "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"
        ],
        [undefined, { type: "any" }, "tool_choice.any may only be specified while providing tools"],
        [[weather], { type: "tool", name: "time" }, "Tool 'time' not found in provided tools"]
      ]
      for (const [tools, choice, message] of cases) {
        const fields = tools === undefined ? { messages: hello } : { messages: hello, tools }
        const error = yield* Effect.flip(Tools.read(fields, choice, model))
        assert.deepStrictEqual([error.status, error.message], [400, message])
      }
    })
  )

  it.effect("refuses to force a call on models that decide themselves", () =>
    Effect.gen(function* () {
      const read = (choice: Tools.Choice, model: string) =>
        Tools.read({ messages: hello, tools: [weather] }, choice, model)
      for (const choice of [{ type: "any" }, { type: "tool", name: "weather" }] as const) {
        const error = yield* Effect.flip(read(choice, "claude-sonnet-5-5"))
        assert.strictEqual(error.message, "tool_choice forces tool use is not compatible with this model.")
        assert.lengthOf(yield* read(choice, "claude-haiku-4-5"), 1)
      }
      assert.lengthOf(yield* read(auto, "claude-sonnet-5-5"), 1)
    })
  )

  it.effect("wants a result for every call in the next turn, and a call for every result in the turn before", () =>
    Effect.gen(function* () {
      const conversation = (...turns: ReadonlyArray<Prompt.Fields["messages"][number]>) => [...hello, ...turns]
      const check = (messages: Prompt.Fields["messages"]) =>
        Tools.read({ messages, tools: [weather] }, undefined, model)
      yield* check(conversation(calling("a", "b"), answering("a"), answering("b")))
      const reminder = { role: "system", content: "Be brief." }
      yield* check(conversation(calling("a"), reminder, answering("a"), { role: "assistant", content: "Warm." }))

      const missing = (ids: string) =>
        `messages.1: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${ids}. Each ` +
        "`tool_use` block must have a corresponding `tool_result` block in the next message."
      const stray = (path: string) =>
        `${path}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: b. Each \`tool_result\` block must have a ` +
        "corresponding `tool_use` block in the previous message."
      const cases = [
        [conversation(calling("a", "b"), answering("a")), missing("b")],
        [conversation(calling("a", "b")), missing("a, b")],
        [conversation(calling("a"), answering("a", "b")), stray("messages.2.content.1")],
        [[answering("b")], stray("messages.0.content.0")],
        [conversation(calling("a", "a"), answering("a")), "messages.1.content.1: `tool_use` ids must be unique"]
      ] as const
      for (const [messages, message] of cases) {
        assert.strictEqual((yield* Effect.flip(check(messages))).message, message)
      }
      const untold = yield* Effect.flip(
        Tools.read({ messages: conversation(calling("a"), answering("a")) }, undefined, model)
      )
      assert.strictEqual(untold.message, "Requests which include `tool_use` or `tool_result` blocks must define tools.")
    })
  )
})

const model = "claude-haiku-4-5"
const auto = { type: "auto" } as const
const hello = [{ role: "user", content: "Hello" }]
const weather = { name: "weather", input_schema: { type: "object" as const } }

const calling = (...ids: ReadonlyArray<string>) => ({
  role: "assistant",
  content: ids.map((id) => ({ type: "tool_use", id, name: "weather", input: {} }))
})

const answering = (...ids: ReadonlyArray<string>) => ({
  role: "user",
  content: ids.map((id) => ({ type: "tool_result", tool_use_id: id, content: "20 degrees" }))
})
