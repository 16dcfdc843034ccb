import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Prompt from "../../../../src/testing/emulator/request/Prompt.ts"
import * as Tools from "../../../../src/testing/emulator/request/Tools.ts"

describe("Tools.read", () => {
  it.effect("returns the tools that the client runs, without Anthropic's tools", () =>
    Effect.gen(function* () {
      const tools = [weather, { type: "web_search_20260318", name: "web_search" }]
      const read = yield* Tools.read(tools, undefined)
      assert.deepStrictEqual(read, [weather])
    })
  )

  it.effect("refuses the definitions and choices that the API refuses, with its messages", () =>
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
        [
          [{ ...noSchema, input_schema: { type: "object" as const, anyOf: [{ type: "object" }] } }],
          auto,
          "tools.0.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level"
        ],
        [
          [{ ...noSchema, input_schema: { type: "object" as const, properties: { "filter[id]": {} } } }],
          auto,
          "tools.0.custom.input_schema.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'"
        ],
        [[{ ...weather, strict: "yes" }], auto, "tools.0.custom.strict: Input should be a valid boolean"],
        [undefined, { type: "any" }, "tool_choice.any may only be specified while providing tools"],
        [[weather], { type: "tool", name: "time" }, "Tool 'time' not found in provided tools"]
      ]
      for (const [tools, choice, message] of cases) {
        const error = yield* Effect.flip(Tools.read(tools, choice))
        assert.deepStrictEqual([error.status, error.message], [400, message])
      }
    })
  )
})

const auto = { type: "auto" } as const
const weather = { name: "weather", input_schema: { type: "object" as const } }
