// How do I ask about an image? A PDF works the same way, as a `document` block.
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, FileSystem } from "effect"
import { Base64 } from "effect/encoding"
import { Claude } from "effect-claude"

const program = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const data = Base64.encode(yield* files.readFile("examples/17-image.png"))
  const { text } = yield* Claude.generateText({
    messages: [
      {
        role: "user",
        content: [
          { type: "image", source: { type: "base64", media_type: "image/png", data } },
          { type: "text", text: "The image shows a red square. Say it in one sentence." }
        ]
      }
    ]
  })
  yield* Console.log(text)
})

const live = Claude.layerConfig().pipe(Claude.stack())

program.pipe(Effect.provide([live, NodeServices.layer]), NodeRuntime.runMain)
