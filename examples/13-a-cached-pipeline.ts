// How do I avoid paying twice for the same question?
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Schema } from "effect"
import { Batch, Event, CallSite, Claude, Cost, ResponseCache } from "effect-claude"

// The cache stores answers of the emulator only under its own name, so that they never pass for Claude's.
const storeId = "example-13"

const Mail = Schema.Struct({ product: Schema.String, urgency: Schema.Literals(["low", "high"]) })

const mails = [
  "The kettle I bought does not switch off. The urgency is high!",
  "Where can I buy a kettle? The urgency is low.",
  "The kettle I bought does not switch off. The urgency is high!"
]

const classify = Batch.map(mails, (mail) => Claude.generateObject(Mail, mail)).pipe(CallSite.label("shop", "north"))

const print = (event: Event.Event) => {
  if (event._tag === "call-finished") return Console.log(`  asked: ${Cost.format(event.cost)}`)
  return event._tag === "call-hit" ? Console.log(`  known: saved ${Cost.format(event.saved)}`) : Effect.void
}

const program = Effect.gen(function* () {
  yield* Console.log("two of three mails are the same:")
  yield* classify
  yield* Console.log("all of them again:")
  yield* classify
  yield* Console.log("after the answers for the shop are removed:")
  yield* ResponseCache.invalidate({ label: ["shop", "north"] }, { storeId })
  yield* classify
}).pipe(Event.listen(print))

// Instead of `layerMemory()`: `layerRedis`, `layerSql()`, or any `layerBacking…` of `effect/persistence/Persistence`.
const store = ResponseCache.layerMemory({ capacity: 1000 })

const live = Claude.layerConfig().pipe(Claude.stack({ cache: { store, storeId, timeToLive: "7 days" } }))

program.pipe(Effect.provide([live, store]), NodeRuntime.runMain)
