// How do I give Claude a tool, and send the result back?
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { Claude } from "effect-claude"

const weather = Effect.succeed("The weather is sunny, at 21 degrees.") // `input` of a call has its arguments

const prompt = {
  tools: [
    {
      name: "get_weather",
      description: "The weather in a city",
      input_schema: { type: "object" as const, properties: { city: { type: "string" } }, required: ["city"] }
    }
  ],
  messages: [{ role: "user" as const, content: "What is the weather in Lisbon? Say it in one sentence." }]
}

// `generateText` fails with `ToolUseRequested` when Claude calls a tool; `answer` is the message that calls it.
const program = Claude.generateText(prompt).pipe(
  Effect.catchReason("ClaudeError", "ToolUseRequested", ({ answer }) =>
    Effect.gen(function* () {
      const calls = answer.content.filter((block) => block.type === "tool_use")
      const content = yield* Effect.forEach(calls, ({ id }) =>
        Effect.map(weather, (result) => ({ type: "tool_result" as const, tool_use_id: id, content: result }))
      )
      const called = { role: "assistant" as const, content: answer.content }
      return yield* Claude.generateText({
        ...prompt,
        messages: [...prompt.messages, called, { role: "user", content }]
      })
    })
  ),
  Effect.flatMap(({ text }) => Console.log(text))
)

const live = Claude.layerConfig().pipe(Claude.stack())

program.pipe(Effect.provide(live), NodeRuntime.runMain)
