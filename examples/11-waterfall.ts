// Where did the time go? A pipeline that prints its own waterfall.
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Stream } from "effect"
import { Claude, Step, Telemetry } from "effect-claude"

const read = Step.text("read", (letter: string) => `Say in one sentence what this letter wants: ${letter}`)
const answer = Step.make("answer", (wish: string) =>
  Claude.streamText(`Answer this wish in three sentences: ${wish}`).pipe(Stream.mkString)
)

const program = Effect.gen(function* () {
  yield* read("The kettle that I bought does not switch off.").pipe(Effect.flatMap(answer), Effect.withSpan("letter"))
  yield* Console.log(Telemetry.waterfall(yield* Effect.flatten(Telemetry.Spans)))
})

const live = Claude.layerConfig().pipe(Claude.stack(), Layer.provideMerge(Telemetry.layerSpans))

program.pipe(Effect.provide(live), NodeRuntime.runMain)
