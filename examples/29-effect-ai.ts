// How do I run programs of effect/ai on Claude: LanguageModel, Chat and Toolkit?
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Schema } from "effect"
import { Chat, Tool, Toolkit } from "effect/ai"
import { Claude, LanguageModel } from "effect-claude"

const Weather = Tool.make("get_weather", {
  description: "The weather in a city",
  parameters: Schema.Struct({ city: Schema.String }),
  success: Schema.String
})
const tools = Toolkit.make(Weather)
const handlers = tools.toLayer({ get_weather: () => Effect.succeed("The weather is sunny, at 21 degrees.") })

const program = Effect.gen(function* () {
  const toolkit = yield* tools
  const chat = yield* Chat.fromPrompt([
    // What effect/ai has no option for goes into `options.anthropic`.
    { role: "system", content: "Answer in one sentence.", options: { anthropic: { effort: "low" } } }
  ])
  let response = yield* chat.generateText({ prompt: "What is the weather in Lisbon?", toolkit })
  while (response.finishReason === "tool-calls") {
    response = yield* chat.generateText({ prompt: [], toolkit })
  }
  yield* Console.log(response.text)
})

// Every policy applies, and so do the fakes.
const claude = Claude.layerConfig().pipe(Claude.stack())
const model = LanguageModel.layer({ model: "claude-sonnet-5-5" }).pipe(Layer.provide(claude))

program.pipe(Effect.provide(Layer.merge(model, handlers)), NodeRuntime.runMain)
