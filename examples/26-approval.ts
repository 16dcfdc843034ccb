// How does a person approve a call before a tool runs, and how do I show what happens meanwhile?
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Schema, Stream } from "effect"
import { Tool, Toolkit } from "effect/ai"
import { Claude } from "effect-claude"

const Refund = Tool.make("refund_order", {
  description: "Refunds an order",
  parameters: Schema.Struct({ order: Schema.String }),
  success: Schema.String,
  needsApproval: true
})

const tools = Toolkit.make(Refund)
const handlers = tools.toLayer({ refund_order: () => Effect.succeed("The order of the red lamp is refunded.") })

// `approve` may take days, as long as the process runs: in a job, a restarted run asks again, and repeats no paid call.
// Claude receives the reason of a denial.
const conversation = Claude.streamWithTools(tools, "Please refund the order of my red lamp.", {
  approve: ({ name }) => Effect.as(Console.log(`${name}: approved by Ada`), true)
})

const program = Stream.runForEach(conversation, (element) => {
  switch (element._tag) {
    case "tool-result":
      return Console.log(`${element.name}: ${element.outcome}`)
    case "finished":
      return Console.log(element.reply.text)
    default:
      return Effect.void
  }
})

const live = Claude.layerConfig().pipe(Claude.stack())

program.pipe(Effect.provide(Layer.merge(live, handlers)), NodeRuntime.runMain)
