// How do I ask about many items with bounded concurrency, and keep the other results when one fails?
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Result, Schema } from "effect"
import { Batch, Claude } from "effect-claude"

const City = Schema.Struct({ city: Schema.String, country: Schema.String })

const sentences = [
  "This city is Lisbon. The country is Portugal.",
  "This city is Quito. The country is Ecuador.",
  "This city is Oslo. The country is Norway."
]

const program = Effect.gen(function* () {
  const results = yield* Batch.map(sentences, (sentence) => Claude.generateObject(City, sentence))
  for (const result of results) {
    yield* Result.match(result, {
      onSuccess: ({ value }) => Console.log(`${value.city} / ${value.country}`),
      onFailure: (error) => Console.log(`failed: ${error.message}`)
    })
  }
})

const live = Claude.layerConfig().pipe(Claude.stack({ concurrency: 2 }))

program.pipe(Effect.provide(live), NodeRuntime.runMain)
