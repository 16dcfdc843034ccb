/** Turns of a stored conversation that are interrupted at every point where their fiber yields. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Conversation from "../../src/call/Conversation.ts"
import * as Emulator from "../../src/testing/Emulator.ts"

type Stored = Conversation.Conversation<Conversation.StoreError>

const Numbers = Schema.Struct({ numbers: Schema.Array(Schema.Int) })

const toolkit = Toolkit.make(Tool.make("weather", { success: Schema.String }))

const turns = {
  generateText: [(chat: Stored) => Conversation.generateText(chat, "One?"), 4],
  streamText: [(chat: Stored) => Stream.runDrain(Conversation.streamText(chat, "One?")), 4],
  generateObject: [(chat: Stored) => Conversation.generateObject(chat, Numbers, "Numbers?"), 4],
  streamObject: [(chat: Stored) => Stream.runDrain(Conversation.streamObject(chat, Numbers, "Numbers?")), 4],
  generateWithTools: [(chat: Stored) => Conversation.generateWithTools(chat, toolkit, "Weather?"), 6],
  streamWithTools: [(chat: Stored) => Stream.runDrain(Conversation.streamWithTools(chat, toolkit, "Weather?")), 6],
  undo: [(chat: Stored) => Conversation.undo(chat), 0]
} as const

describe("an interrupted turn", () => {
  for (const [name, [turn, length]] of Object.entries(turns)) {
    it.effect(`of ${name} is added as a whole or not at all, in memory as in the store`, () =>
      Effect.gen(function* () {
        const lengths = new Set<number>()
        for (let [yields, isDone] = [0, false]; !isDone; yields++) {
          assert.isBelow(yields, 1000, "the turn does not end")
          const id = `${name} ${yields}`
          const chat = yield* Conversation.open(id)
          yield* Conversation.generateText(chat, "Zero?")
          const fiber = yield* Effect.forkChild(turn(chat))
          for (let step = 0; step < yields; step++) yield* Effect.yieldNow
          isDone = fiber.pollUnsafe() !== undefined
          yield* Fiber.interrupt(fiber)
          const messages = yield* chat.messages
          lengths.add(messages.length)
          assert.deepStrictEqual(yield* (yield* Conversation.open(id)).messages, messages)
          yield* Conversation.generateText(chat, "Next?")
          assert.lengthOf(yield* chat.messages, messages.length + 2)
        }
        assert.deepStrictEqual([...lengths], [2, length])
      }).pipe(Effect.provide([handlers, Emulator.layer({ replies }), values]))
    )
  }
})

// Builders

const handlers = toolkit.toLayer({ weather: () => Effect.as(Effect.yieldNow, "Sunny.") })

let calls = 0

const replies: NonNullable<Emulator.Options["replies"]> = [
  {
    when: ({ messages }) => messages.at(-1)?.content === "Weather?",
    reply: () => ({ content: [{ type: "tool_use", id: `toolu_${(calls += 1)}`, name: "weather", input: {} }] })
  },
  { when: /Numbers/, reply: { content: [{ type: "text", text: '{"numbers":[1,2,3]}' }] } },
  { when: /./, reply: { content: [{ type: "text", text: "An answer of several words, in several events." }] } }
]

/** A store that lets other fibers run before and after it reads and writes. */
const values = Layer.effect(
  KeyValueStore.KeyValueStore,
  Effect.map(KeyValueStore.KeyValueStore, (memory) => {
    const slow = <A, E>(effect: Effect.Effect<A, E>) =>
      Effect.andThen(
        Effect.yieldNow,
        Effect.tap(effect, () => Effect.yieldNow)
      )
    return { ...memory, get: (key) => slow(memory.get(key)), set: (key, value) => slow(memory.set(key, value)) }
  })
).pipe(Layer.provide(KeyValueStore.layerMemory))
