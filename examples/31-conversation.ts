// How do I hold a conversation that Claude remembers, store it, keep it short, and try another branch of it?
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer } from "effect"
import { KeyValueStore } from "effect/persistence"
import { Claude, Conversation } from "effect-claude"
import { Sqlite } from "effect-claude/node"

const program = Effect.gen(function* () {
  // Once a prompt has more than 100,000 tokens, only the latest quarter of the turns is sent.
  const chat = yield* Conversation.open("holiday", {
    system: "You are a travel agent. Answer in one sentence.",
    trim: { above: 100_000, keep: 0.25 }
  })
  const say = <E>(to: Conversation.Conversation<E>, text: string) =>
    Effect.flatMap(Conversation.generateText(to, text), (reply) => Console.log(`${text}\n  ${reply.text}`))

  yield* say(chat, "My next holiday is in Lisbon.")
  yield* say(chat, "Where is my holiday?")

  // A branch has its own future, in memory; `undo` takes back the last question and its answer.
  const branch = yield* Conversation.fork(chat)
  yield* say(branch, "No, my holiday is in Quito now.")
  yield* Conversation.undo(chat)

  const stored = yield* Conversation.open("holiday")
  yield* Console.log(
    `${(yield* stored.messages).length} messages stored, ${(yield* branch.messages).length} in the branch`
  )
})

// `Sqlite.layer({ path: "chats.sqlite" })` keeps conversations in a file. `Conversation.make` stores nothing.
const store = KeyValueStore.layerSql().pipe(Layer.provide(Sqlite.layerMemory))

// With the prompt cache, each turn reads the turns before at a tenth of the price.
const live = Claude.layerConfig().pipe(Claude.stack({ promptCache: { ttl: "5m" } }))

program.pipe(Effect.provide([live, store]), NodeRuntime.runMain)
