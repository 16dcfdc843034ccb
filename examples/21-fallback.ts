// What happens if a model is overloaded, down, or retired?
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Schedule } from "effect"
import { Claude, Retry } from "effect-claude"

const program = Effect.gen(function* () {
  const reply = yield* Claude.generateText({
    model: "claude-sonnet-4", // The API does not serve it any longer.
    messages: [{ role: "user", content: "The night train to Vienna is late. Say that in one sentence." }]
  })
  yield* Console.log(`${reply.message.model}: ${reply.text}`)
})

// A model is given up after two repeats, and not after twelve. A fallback may change fields of the request, and may be
// another client: `{ model, claude: Claude.layer.pipe(Layer.provide(AnthropicClient.layerFrom(new AnthropicBedrock()))) }`.
const live = Claude.layerConfig().pipe(
  Claude.stack({
    retry: Retry.schedule.pipe(Schedule.upTo({ times: 2 })),
    fallback: [{ model: "claude-sonnet-5-5", output_config: { effort: "low" } }, { model: "claude-haiku-5-5" }]
  })
)

program.pipe(Effect.provide(live), NodeRuntime.runMain)
