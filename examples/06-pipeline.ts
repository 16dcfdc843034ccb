// How do I build a pipeline from steps, and see what each step costs?
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Schema } from "effect"
import { Event, Claude, Cost, Step } from "effect-claude"

const Ticket = Schema.Struct({ product: Schema.String, urgency: Schema.Literals(["low", "high"]) })

const classify = Step.object("classify", Ticket, (mail: string) => `What is this mail about?\n${mail}`)
const research = Step.make("research", (ticket: typeof Ticket.Type) =>
  Effect.succeed({ ...ticket, manual: `Every product has a small red button that resets it.` })
)
const answer = Step.text(
  "answer",
  (ticket: typeof Ticket.Type & { readonly manual: string }) =>
    `The customer asks about: ${ticket.product}. ${ticket.manual} Answer in one sentence.`
)
const support = classify.pipe(Step.andThen(research), Step.andThen(answer))

const print = (event: Event.Event) =>
  event._tag === "call-finished" ? Console.log(`${event.site.path.join("/")}: ${Cost.format(event.cost)}`) : Effect.void

const program = Effect.gen(function* () {
  yield* Console.log(Step.draw(support.shape))
  yield* Console.log(yield* support("The product I bought, a kettle, does not switch off. The urgency is high!"))
}).pipe(Event.listen(print))

const live = Claude.layerConfig().pipe(Claude.stack())

program.pipe(Effect.provide(live), NodeRuntime.runMain)
