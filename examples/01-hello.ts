import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { Claude, Cost } from "effect-claude"

const program = Effect.gen(function* () {
  const reply = yield* Claude.generateText(
    "The sky is blue because air scatters blue light most. Say that in one sentence."
  )
  yield* Console.log(`${reply.text} (${Cost.format(reply.cost)})`)
})

const live = Claude.layerConfig().pipe(Claude.stack())

program.pipe(Effect.provide(live), NodeRuntime.runMain)
