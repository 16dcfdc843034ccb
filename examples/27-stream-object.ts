// How do I show an object while Claude writes it?
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Schema, Stream } from "effect"
import { Claude } from "effect-claude"

const Recipe = Schema.Struct({
  title: Schema.String,
  minutes: Schema.Int,
  ingredients: Schema.Array(Schema.Struct({ name: Schema.String, grams: Schema.Finite }))
})

const program = Claude.streamObject(Recipe, "This is a recipe.\nTitle: Pancakes with apples\nMinutes: 20").pipe(
  Stream.runForEach((event) => {
    switch (event._tag) {
      case "partial": {
        // Each field may be missing, and a text may be cut. A number or a key is complete.
        const { title = "…", ingredients = [] } = event.value
        return Console.log(`${title}: ${ingredients.length} ingredients so far`)
      }
      case "finished":
        return Console.log(`${event.value.title}: ${event.value.minutes} minutes, ${event.usage.output} tokens`)
    }
  })
)

// Each ingredient as soon as it is complete, decoded.
const shopping = Claude.streamElements(Schema.Struct({ name: Schema.String }), "What do I buy for pancakes?").pipe(
  Stream.runForEach(({ name }) => Console.log(`- ${name}`))
)

const live = Claude.layerConfig().pipe(Claude.stack())

program.pipe(Effect.andThen(shopping), Effect.provide(live), NodeRuntime.runMain)
