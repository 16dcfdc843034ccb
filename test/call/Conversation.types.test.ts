import { describe, expectTypeOf, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Toolkit from "effect/ai/Toolkit"
import type { KeyValueStore } from "effect/persistence/KeyValueStore"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import * as Conversation from "../../src/call/Conversation.ts"
import type { TextReply } from "../../src/call/text.ts"
import type { Claude } from "../../src/claude/Claude.ts"
import type { ClaudeError } from "../../src/claude/ClaudeError.ts"

describe("the types of a conversation", () => {
  it("have the failures of a store only where there is one", () => {
    expectTypeOf(Conversation.generateText(chat, "Hi")).toEqualTypeOf<Effect.Effect<TextReply, ClaudeError, Claude>>()
    expectTypeOf(stored).toEqualTypeOf<
      Effect.Effect<TextReply, ClaudeError | Conversation.StoreError, Claude | KeyValueStore>
    >()
  })

  it("have the value of the schema", () => {
    const reply = Conversation.generateObject(chat, Schema.Struct({ age: Schema.Int }), "How old?")
    expectTypeOf<Effect.Success<typeof reply>["value"]>().toEqualTypeOf<{ readonly age: number }>()
  })

  it("have the value of the schema at the end of a loop with tools", () => {
    const options = { schema: Schema.Struct({ age: Schema.Int }) }
    const reply = Conversation.generateWithTools(chat, Toolkit.empty, "How old?", options)
    expectTypeOf<Effect.Success<typeof reply>["value"]>().toEqualTypeOf<{ readonly age: number }>()
    const elements = Conversation.streamWithTools(chat, Toolkit.empty, "How old?", options)
    type Finished = Extract<Stream.Success<typeof elements>, { readonly _tag: "finished" }>
    expectTypeOf<Finished["reply"]["value"]>().toEqualTypeOf<{ readonly age: number }>()
    const plain = Conversation.generateWithTools(chat, Toolkit.empty, "How old?")
    expectTypeOf<Effect.Success<typeof plain>>().not.toHaveProperty("value")
  })

  it("have the failure of what runs at the end of a stream", () => {
    const stream = Conversation.streamText(chat, "Hi", { onFinish: () => Effect.fail("full" as const) })
    expectTypeOf(stream).toEqualTypeOf<Stream.Stream<string, ClaudeError | "full", Claude>>()
  })

  it("have all settings of a request but messages and thread", () => {
    expectTypeOf<Conversation.Settings>().toHaveProperty("thinking")
    expectTypeOf<Conversation.Settings>().not.toHaveProperty("messages")
    expectTypeOf<Conversation.Settings>().not.toHaveProperty("thread")
  })
})

// Builders

const chat = Effect.runSync(Conversation.make())

const stored = Effect.flatMap(Conversation.open("anna"), (chat) => Conversation.generateText(chat, "Hi"))
