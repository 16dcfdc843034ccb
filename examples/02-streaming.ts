// How do I show an answer while Claude writes it?
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Stream } from "effect"
import { Claude } from "effect-claude"

const prompt = "Say in one sentence: a stream passes on every word as it arrives."

const program = Claude.streamText(prompt, {
  onFinish: ({ usage }) => Console.log(`\n${usage.output} tokens`)
}).pipe(Stream.runForEach((text) => Effect.sync(() => process.stdout.write(text))))

const live = Claude.layerConfig().pipe(Claude.stack())

program.pipe(Effect.provide(live), NodeRuntime.runMain)
