// How do I ask about an image? A PDF works the same way, with `Content.pdf`.
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { Claude, Content } from "effect-claude"

const program = Effect.gen(function* () {
  const image = yield* Content.image("examples/17-image.png")
  const question = "The image shows a red square. Say it in one sentence."
  const { text } = yield* Claude.generateText({ messages: [Content.user(image, question)] })
  yield* Console.log(text)
})

const live = Claude.layerConfig().pipe(Claude.stack())

program.pipe(Effect.provide([live, NodeServices.layer]), NodeRuntime.runMain)
