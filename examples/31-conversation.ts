// How do I hold a conversation that Claude remembers, keep it short, and try another branch of it?
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { Claude, Conversation } from "effect-claude"

const program = Effect.gen(function* () {
  // Once a prompt has more than 100,000 tokens, only the latest quarter of the turns is sent.
  const chat = yield* Conversation.make({
    system: "You are a travel agent. Answer in one sentence.",
    trim: { above: 100_000, keep: 0.25 }
  })
  const say = (to: Conversation.Conversation, text: string) =>
    Effect.flatMap(Conversation.generateText(to, text), (reply) => Console.log(`${text}\n  ${reply.text}`))

  yield* say(chat, "My next holiday is in Lisbon.")
  yield* say(chat, "Where is my holiday?")

  // A branch has its own future; `undo` takes back the last question and its answer.
  const branch = yield* Conversation.fork(chat)
  yield* say(branch, "No, my holiday is in Quito now.")
  yield* Conversation.undo(chat)

  yield* Console.log(`${(yield* chat.messages).length} messages here, ${(yield* branch.messages).length} in the branch`)
})

// With the prompt cache, each turn reads the turns before at a tenth of the price.
const live = Claude.layerConfig().pipe(Claude.stack({ promptCache: { ttl: "5m" } }))

program.pipe(Effect.provide(live), NodeRuntime.runMain)
