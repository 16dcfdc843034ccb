// How do I give Claude a tool?
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Schema } from "effect"
import { Tool, Toolkit } from "effect/ai"
import { Claude } from "effect-claude"

const Weather = Tool.make("get_weather", {
  description: "The weather in a city",
  parameters: Schema.Struct({ city: Schema.String.annotate({ description: "Its English name" }) }),
  success: Schema.String // or any other schema: Claude receives its JSON
})

const tools = Toolkit.make(Weather)

const handlers = tools.toLayer({
  get_weather: () => Effect.succeed("The weather is sunny, at 21 degrees.") // `{ city }` are its parameters
})

// The loop runs the tool and sends its result back until Claude answers. The usage and the cost cover all turns.
const program = Effect.gen(function* () {
  const { text, turns } = yield* Claude.generateWithTools(
    tools,
    "What is the weather in Lisbon? Say it in one sentence."
  )
  yield* Console.log(`${text} (${turns} turns)`)
})

const live = Claude.layerConfig().pipe(Claude.stack())

program.pipe(Effect.provide(Layer.merge(live, handlers)), NodeRuntime.runMain)
