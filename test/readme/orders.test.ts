import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Tool, Toolkit } from "effect/ai"
import { Claude } from "effect-claude"
import { TestClaude } from "effect-claude/testing"

const FindOrder = Tool.make("find_order", {
  parameters: Schema.Struct({ order: Schema.String }),
  success: Schema.String
})
const tools = Toolkit.make(FindOrder)
const handlers = tools.toLayer({ find_order: ({ order }) => Effect.succeed(`Order ${order} is in Porto.`) })

it.effect("finds an order, and hands the result to Claude", () =>
  Effect.gen(function* () {
    const { text } = yield* Claude.generateWithTools(tools, "Where is order 4711?")
    assert.strictEqual(text, "Done.")
    assert.strictEqual((yield* TestClaude.prompts)[1], "Where is order 4711?\nOrder 4711 is in Porto.")
  }).pipe(Effect.provide([handlers, TestClaude.layer([TestClaude.toolCall(FindOrder, { order: "4711" }), "Done."])]))
)
