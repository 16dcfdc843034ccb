// How do I pay once for a prompt prefix that many calls share, and see the saving?
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { Batch, Event, Claude, Progress } from "effect-claude"

const rules = Array.from({ length: 200 }, (_, index) => `The number of rule ${index + 1} is ${(index + 1) * 7}.`)

const ask = (rule: number) =>
  Claude.generateText({
    system: rules.join(" "),
    messages: [{ role: "user", content: `What is the number of rule ${rule}?` }]
  })

const program = Effect.gen(function* () {
  let progress = Progress.empty
  const count = (event: Event.Event) => Effect.sync(() => void (progress = Progress.update(progress, event)))
  yield* Event.listen(count)(Batch.map([3, 14, 15, 92, 65], ask))
  yield* Console.log(Progress.promptCache(progress))
  yield* Console.log(`total ${Progress.cost(progress)}`)
})

// One call writes to the cache first; the others wait for it, at most a minute, and then read.
const live = Claude.layerConfig().pipe(Claude.stack({ promptCache: { ttl: "5m", warmUp: "1 minute" } }))

program.pipe(Effect.provide(live), NodeRuntime.runMain)
