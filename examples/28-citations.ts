// How do I see what an answer rests on? Enable citations for a document, then read them from the reply.
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { Claude, Content } from "effect-claude"

const program = Effect.gen(function* () {
  const document = yield* Content.text("examples/28-citations.txt", { citations: true })
  const reply = yield* Claude.generateText({
    messages: [Content.user(document, "When did the ice break? Answer in two sentences.")]
  })
  yield* Console.log(reply.text)

  for (const { sources, text } of Content.citations(reply)) {
    for (const source of sources) {
      if (source.type !== "characters") continue
      yield* Console.log(`- ${text} [${source.document.title}, characters ${source.start} to ${source.end}]`)
    }
  }
})

const live = Claude.layerConfig().pipe(Claude.stack())

program.pipe(Effect.provide([live, NodeServices.layer]), NodeRuntime.runMain)
