import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Conversation from "../../src/call/Conversation.ts"
import { Overloaded } from "../../src/claude/ClaudeError.ts"
import * as ResponseCache from "../../src/policy/ResponseCache.ts"
import * as Emulator from "../../src/testing/Emulator.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"
import { message, thinking } from "../fixtures.ts"

const Numbers = Schema.Array(Schema.Int)

describe("a conversation", () => {
  it.effect("sends the turns before with each message", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make({ system: "Be brief." })
      assert.strictEqual((yield* Conversation.generateText(chat, "One?")).text, "Yes.")
      assert.strictEqual((yield* Conversation.generateText(chat, "Two?")).text, "No.")
      assert.deepStrictEqual(yield* TestClaude.prompts, ["Be brief.\nOne?", "Be brief.\nOne?\nYes.\nTwo?"])
      assert.deepStrictEqual(
        (yield* chat.messages).map(({ role }) => role),
        ["user", "assistant", "user", "assistant"]
      )
    }).pipe(Effect.provide(TestClaude.layer(["Yes.", "No."])))
  )

  it.effect("asks for a value with the citations of earlier turns switched off in that call", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make()
      const source = { type: "text" as const, media_type: "text/plain" as const, data: "It rained. It was cold." }
      const content = [
        { type: "document" as const, source, citations: { enabled: true } },
        { type: "text" as const, text: "What was it like?" }
      ]
      yield* Conversation.generateText(chat, { content })
      const before = yield* chat.messages
      yield* Conversation.generateObject(chat, Schema.Struct({ wet: Schema.Boolean }), "And as a value?")
      yield* Stream.runDrain(Conversation.streamObject(chat, Schema.Struct({ wet: Schema.Boolean }), "Again?"))
      assert.deepStrictEqual((yield* chat.messages).slice(0, 2), before)
      const error = yield* Effect.flip(
        Conversation.generateObject(chat, Schema.Struct({ wet: Schema.Boolean }), { content })
      )
      assert.strictEqual(error.reason._tag, "Unsupported")
    }).pipe(Effect.provide(Emulator.layer()))
  )

  it.effect("ends a turn with tools with a value, and keeps the whole turn", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make()
      const schema = Schema.Struct({ sum: Schema.Int })
      const { value } = yield* Conversation.generateWithTools(chat, Toolkit.empty, "1 + 2?", { schema })
      assert.deepStrictEqual(value, { sum: 3 })
      const last = yield* Stream.runLast(Conversation.streamWithTools(chat, Toolkit.empty, "And 1?", { schema }))
      const reply = Option.getOrUndefined(last)
      assert.deepStrictEqual(reply?._tag === "finished" && reply.reply.value, { sum: 4 })
      assert.lengthOf(yield* chat.messages, 8)
    }).pipe(Effect.provide(TestClaude.layer(["It is 3.", '{"sum":3}', "It is 4.", '{"sum":4}'])))
  )

  it.effect("streams the elements of a list, and adds the turn at their end only", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make()
      const sizes: Array<number> = []
      const elements = Conversation.streamElements(chat, Schema.Int, "Count.", {
        onFinish: ({ value }) => Effect.sync(() => sizes.push(value.length))
      })
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(elements, 1)), [1])
      assert.deepStrictEqual(yield* chat.messages, [])
      assert.deepStrictEqual(yield* Stream.runCollect(elements), [1, 2])
      assert.deepStrictEqual(sizes, [2])
      assert.lengthOf(yield* chat.messages, 2)
    }).pipe(Effect.provide(TestClaude.layer([TestClaude.object(Numbers, [1, 2]), TestClaude.object(Numbers, [1, 2])])))
  )

  it.effect("has the settings of one turn for that turn only", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make({ model: "claude-opus-5-5" })
      const content = [{ type: "text" as const, text: "One?" }]
      yield* Conversation.generateText(chat, { content, model: "claude-haiku-5-5", max_tokens: 10 })
      yield* Conversation.generateText(chat, "Two?")
      const calls = yield* TestClaude.calls
      assert.deepStrictEqual(
        calls.map(({ max_tokens, model }) => [model, max_tokens]),
        [
          ["claude-haiku-5-5", 10],
          ["claude-opus-5-5", 4096]
        ]
      )
      assert.deepStrictEqual(calls[1]?.messages[0], { role: "user", content })
    }).pipe(Effect.provide(TestClaude.layer("Yes.")))
  )

  it.effect("is unchanged after a turn that failed", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make()
      yield* Conversation.generateText(chat, "One?")
      const before = yield* chat.messages
      for (const _ of [1, 2]) yield* Effect.flip(Conversation.generateText(chat, "Two?"))
      yield* Effect.flip(Stream.runDrain(Conversation.streamText(chat, "Two?")))
      assert.deepStrictEqual(yield* chat.messages, before)
      yield* Conversation.generateText(chat, "Three?")
      assert.deepStrictEqual((yield* TestClaude.prompts).at(-1), "One?\nYes.\nThree?")
    }).pipe(
      Effect.provide(
        TestClaude.layer([
          "Yes.",
          new Overloaded({ detail: "busy" }),
          { content: ["Hal"], stop_reason: "max_tokens" },
          { content: ["I"], stop_reason: "refusal" },
          "Well."
        ])
      )
    )
  )

  it.effect("is unchanged after a turn that was interrupted, and continues", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make()
      const sent = yield* Deferred.make<void>()
      const never = Effect.andThen(Deferred.succeed(sent, undefined), Effect.never)
      yield* Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(Conversation.generateText(chat, "One?"))
        yield* Deferred.await(sent)
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(yield* chat.messages, [])
        yield* Conversation.generateText(chat, "Two?")
        assert.deepStrictEqual(yield* TestClaude.prompts, ["One?", "Two?"])
      }).pipe(Effect.provide(TestClaude.layer([never, "Yes."])))
    })
  )

  it.effect("runs one turn at a time", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make()
      yield* Effect.forEach(["One?", "Two?", "Three?"], (text) => Conversation.generateText(chat, text), {
        concurrency: 3
      })
      // A list of replies refuses calls that overlap.
      assert.strictEqual((yield* TestClaude.prompts).at(-1)?.split("\n").length, 5)
    }).pipe(Effect.provide(TestClaude.layer(["Yes.", "No.", "Well."])))
  )

  it.effect("streams a turn, and has it before the stream ends", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make()
      const finished: Array<string> = []
      const stream = Conversation.streamText(chat, "One?", {
        onFinish: (reply) => Effect.sync(() => finished.push(reply.text))
      })
      const pieces = yield* Stream.runCollect(stream)
      assert.deepStrictEqual([pieces, finished], [["Yes,", " indeed."], ["Yes, indeed."]])
      yield* Conversation.generateText(chat, "Two?")
      assert.deepStrictEqual((yield* TestClaude.prompts).at(-1), "One?\nYes, indeed.\nTwo?")
    }).pipe(Effect.provide(TestClaude.layer("Yes, indeed.")))
  )

  it.effect("is unchanged after a stream that was left early, and continues", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make()
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(Conversation.streamText(chat, "One?"), 1)), ["Yes,"])
      assert.deepStrictEqual(yield* chat.messages, [])
      yield* Conversation.generateText(chat, "Two?")
      assert.deepStrictEqual((yield* TestClaude.prompts).at(-1), "Two?")
    }).pipe(Effect.provide(TestClaude.layer("Yes, indeed.")))
  )

  it.effect("has the accepted answer of generateObject only", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make()
      const { value } = yield* Conversation.generateObject(chat, Schema.Struct({ age: Schema.Int }), "How old?")
      assert.deepStrictEqual(value, { age: 7 })
      yield* Conversation.generateText(chat, "Sure?")
      assert.deepStrictEqual((yield* TestClaude.prompts).at(-1), 'How old?\n{"age":7}\nSure?')
    }).pipe(Effect.provide(TestClaude.layer(['{"age":"seven"}', '{"age":7}', "Yes."])))
  )

  it.effect("streams a value, and has the turn when it is done", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make()
      const lengths = new Set<string>()
      const stream = Conversation.streamObject(chat, Schema.Struct({ ages: Schema.Array(Schema.Int) }), "How old?")
      yield* Stream.runForEach(stream, ({ _tag }) =>
        Effect.map(chat.messages, ({ length }) => lengths.add(`${_tag} ${length}`))
      )
      assert.deepStrictEqual([...lengths], ["partial 0", "finished 2"])
    }).pipe(Effect.provide(TestClaude.layer('{"ages":[7, 8]}')))
  )

  it.effect("returns thinking as it came, but not to another model", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make()
      yield* Conversation.generateText(chat, "One?")
      yield* Conversation.generateText(chat, "Two?")
      yield* Conversation.generateText(chat, { content: "Three?", model: "claude-haiku-5-5" })
      yield* Conversation.generateText(chat, "Four?")
      const blocks = (yield* TestClaude.calls).map(({ messages }) => messages[1]?.content)
      const text = message().content
      assert.deepStrictEqual(blocks, [undefined, [thinking, ...text], text, [thinking, ...text]])
    }).pipe(Effect.provide(TestClaude.layer(message({ content: [thinking, ...message().content] }))))
  )

  it.effect("leaves out empty texts of an answer, which the API refuses to read", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make()
      yield* Conversation.generateText(chat, "One?")
      assert.deepStrictEqual((yield* chat.messages)[1]?.content, message("Yes.").content)
    }).pipe(Effect.provide(TestClaude.layer({ content: ["", "Yes.", "\n"] })))
  )

  it.effect("takes back its last turn", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make()
      yield* Conversation.undo(chat)
      yield* Conversation.generateText(chat, "One?")
      yield* Conversation.generateText(chat, "Two?")
      yield* Conversation.undo(chat)
      yield* Conversation.generateText(chat, "Three?")
      assert.deepStrictEqual((yield* TestClaude.prompts).at(-1), "One?\nYes.\nThree?")
    }).pipe(Effect.provide(TestClaude.layer("Yes.")))
  )

  it.effect("has branches that do not see one another", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make()
      yield* Conversation.generateText(chat, "One?")
      const branch = yield* Conversation.fork(chat)
      yield* Conversation.generateText(branch, "Two?")
      yield* Conversation.generateText(chat, "Three?")
      assert.deepStrictEqual((yield* TestClaude.prompts).slice(1), ["One?\nYes.\nTwo?", "One?\nYes.\nThree?"])
    }).pipe(Effect.provide(TestClaude.layer("Yes.")))
  )

  it.effect("continues exported messages", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make()
      yield* Conversation.generateText(chat, "One?")
      const exported: ReadonlyArray<unknown> = JSON.parse(JSON.stringify(yield* chat.messages))
      const copy = yield* Conversation.fromMessages(exported)
      assert.deepStrictEqual(yield* copy.messages, yield* chat.messages)
      yield* Conversation.generateText(copy, "Two?")
      assert.deepStrictEqual((yield* TestClaude.prompts).at(-1), "One?\nYes.\nTwo?")
    }).pipe(Effect.provide(TestClaude.layer("Yes.")))
  )

  it.effect("keeps the tools that the calls in its history need, and calls none without tools of its own", () =>
    Effect.gen(function* () {
      const tools = [{ name: "weather", input_schema: { type: "object" as const } }]
      const chat = yield* Conversation.fromMessages(
        [
          { role: "user", content: "How is the weather?" },
          { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "weather", input: {} }] },
          { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "Sunny." }] },
          { role: "assistant", content: "Sunny." }
        ],
        { tools }
      )
      yield* Conversation.generateText(chat, "Sure?")
      assert.deepInclude((yield* TestClaude.calls)[0], { tools })
    }).pipe(Effect.provide(TestClaude.layer("Yes.")))
  )

  it.effect("asks the API to summarise if the options say so", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make({ betas: ["other"], compact: { above: 60_000, instructions: "Be brief." } })
      yield* Conversation.generateText(chat, "One?")
      assert.deepInclude((yield* TestClaude.calls)[0], {
        betas: ["other", "compact-2026-01-12"],
        context_management: {
          edits: [
            {
              type: "compact_20260112",
              trigger: { type: "input_tokens", value: 60_000 },
              instructions: "Be brief."
            }
          ]
        }
      })
    }).pipe(Effect.provide(TestClaude.layer("Yes.")))
  )
})

describe("a conversation with tools", () => {
  it.effect("has the calls and results of a turn, and continues with and without tools", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make()
      const reply = yield* Conversation.generateWithTools(chat, weather, "How is the weather?")
      assert.strictEqual(reply.text, "Sunny.")
      yield* Conversation.generateText(chat, "Sure?")
      yield* Conversation.generateWithTools(chat, weather, "And now?")
      const calls = yield* TestClaude.calls
      const definition = calls[0]?.tools
      assert.lengthOf(definition ?? [], 1)
      assert.deepStrictEqual(
        calls.map(({ tool_choice, tools }) => [tools, tool_choice]),
        [
          [definition, undefined],
          [definition, undefined],
          [definition, { type: "none" }],
          [definition, undefined],
          [definition, undefined]
        ]
      )
      assert.deepStrictEqual(
        (yield* chat.messages).map(({ role }) => role),
        Array.from({ length: 10 }, (_, at) => (at % 2 === 0 ? "user" : "assistant"))
      )
      assert.deepStrictEqual(calls[2]?.messages.slice(0, 4), (yield* chat.messages).slice(0, 4))
    }).pipe(Effect.provide([handlers, TestClaude.layer([toolCall, "Sunny.", "Yes.", toolCall, "Rain."])]))
  )

  it.effect("is unchanged after a loop that reached its limit", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make()
      const error = yield* Effect.flip(
        Conversation.generateWithTools(chat, weather, "How is the weather?", { limits: { turns: 1 } })
      )
      assert.deepStrictEqual(yield* chat.messages, [])
      const messages = error._tag === "ToolLimitReached" ? error.messages : []
      const continued = yield* Conversation.fromMessages(messages)
      yield* Conversation.generateWithTools(continued, weather, "Then guess.")
      assert.lengthOf(yield* continued.messages, 5)
    }).pipe(Effect.provide([handlers, TestClaude.layer([toolCall, "Sunny."])]))
  )

  it.effect("streams a turn, and has it when the loop has finished", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make()
      const lengths = new Set<string>()
      yield* Stream.runForEach(Conversation.streamWithTools(chat, weather, "How is the weather?"), ({ _tag }) =>
        Effect.map(chat.messages, ({ length }) => lengths.add(`${_tag} ${length}`))
      )
      assert.includeMembers([...lengths], ["tool-result 0", "finished 4"])
    }).pipe(Effect.provide([handlers, TestClaude.layer([toolCall, "Sunny."])]))
  )

  it.effect("remembers the tools of its calls in the store, for a process that has none", () =>
    Effect.gen(function* () {
      const tools = [{ type: "web_search_20260318" as const, name: "web_search" as const }]
      yield* Conversation.generateWithTools(yield* Conversation.open("anna", { tools }), weather, "How is the weather?")
      yield* Conversation.generateText(yield* Conversation.open("anna"), "Sure?")
      const [first, , last] = yield* TestClaude.calls
      assert.deepStrictEqual(
        first?.tools?.map((tool) => "name" in tool && tool.name),
        ["web_search", "weather"]
      )
      assert.deepStrictEqual(last?.tools, first?.tools)
    }).pipe(Effect.provide([handlers, TestClaude.layer([toolCall, "Sunny.", "Yes."]), KeyValueStore.layerMemory]))
  )
})

describe("a conversation that the API summarises", () => {
  it.effect("continues from the summary, and has its earlier turns again when the summary is taken back", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make({ compact: { above: 50_000 } })
      const question = `Is it far to Lisbon? ${"It rains. ".repeat(12_000)}`
      for (const _ of [1, 2]) yield* Conversation.generateText(chat, question)
      const last = (yield* chat.messages).at(-1)?.content
      assert.deepInclude(last?.[0], { type: "compaction", encrypted_content: null })
      const reply = yield* Conversation.generateText(chat, "Is it?")
      assert.isBelow(reply.message.usage.input_tokens, 1000)
      yield* Conversation.undo(chat)
      yield* Conversation.undo(chat)
      const again = yield* Conversation.generateText(chat, "Is it?")
      assert.isAbove(again.message.usage.input_tokens, 30_000)
    }).pipe(Effect.provide(Emulator.layer()))
  )
})

describe("a stored conversation", () => {
  it.effect("continues in the next process", () =>
    Effect.gen(function* () {
      const first = yield* Conversation.open("anna")
      yield* Conversation.generateText(first, "One?")
      const second = yield* Conversation.open("anna")
      yield* Conversation.generateText(second, "Two?")
      yield* Conversation.undo(second)
      yield* Conversation.generateText(yield* Conversation.open("anna"), "Three?")
      yield* Conversation.generateText(yield* Conversation.open("ben"), "Four?")
      assert.deepStrictEqual((yield* TestClaude.prompts).slice(1), ["One?\nYes.\nTwo?", "One?\nYes.\nThree?", "Four?"])
    }).pipe(Effect.provide([TestClaude.layer("Yes."), KeyValueStore.layerMemory]))
  )

  it.effect("notices before it asks that another process has continued it", () =>
    Effect.gen(function* () {
      yield* Conversation.generateText(yield* Conversation.open("anna"), "Zero?")
      const [first, second] = [yield* Conversation.open("anna"), yield* Conversation.open("anna")]
      yield* Conversation.generateText(first, "One?")
      const error = yield* Effect.flip(Conversation.generateText(second, "Two?"))
      assert.strictEqual(
        error.message,
        'another process changed the conversation "anna"; open it again to continue from there'
      )
      assert.strictEqual((yield* Effect.flip(Conversation.undo(second)))._tag, "ConversationChanged")
      assert.lengthOf(yield* TestClaude.calls, 2)
    }).pipe(Effect.provide([TestClaude.layer("Yes."), KeyValueStore.layerMemory]))
  )

  it.effect("hands back an answer that it cannot store, since another process was faster", () =>
    Effect.gen(function* () {
      const [first, second] = [yield* Conversation.open("anna"), yield* Conversation.open("anna")]
      const faster = Conversation.generateText(second, "Two?").pipe(Effect.provide(TestClaude.layer("No.")))
      const meanwhile = Effect.as(Effect.orDie(faster), "Yes.")
      yield* Effect.gen(function* () {
        const error = yield* Effect.flip(Conversation.generateText(first, "One?"))
        const unsaved = error._tag === "ConversationChanged" ? error.unsaved : []
        assert.deepStrictEqual(unsaved?.[1]?.content, message("Yes.").content)
        assert.notInclude(JSON.stringify(error), "Yes.")
        assert.deepStrictEqual(yield* first.messages, [])
      }).pipe(Effect.provide(TestClaude.layer(meanwhile)))
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )

  it.effect("keeps an answer in the cache that it cannot store, so that asking again does not pay again", () =>
    Effect.gen(function* () {
      const values = yield* KeyValueStore.KeyValueStore
      let isFull = true
      const full = new KeyValueStore.KeyValueStoreError({ method: "set", message: "the disk is full" })
      const store = {
        ...values,
        set: (key: string, text: string | Uint8Array) => (isFull ? Effect.fail(full) : values.set(key, text))
      }
      const chat = yield* Conversation.open("anna").pipe(Effect.provideService(KeyValueStore.KeyValueStore, store))
      for (const ask of [
        Effect.asVoid(Conversation.generateText(chat, "One?")),
        Stream.runDrain(Conversation.streamText(chat, "Two?"))
      ]) {
        isFull = true
        assert.strictEqual((yield* Effect.flip(ask))._tag, "ConversationStoreFailed")
        isFull = false
        yield* ask
      }
      assert.lengthOf(yield* chat.messages, 4)
      assert.lengthOf(yield* TestClaude.calls, 2)
    }).pipe(
      Effect.provide([
        TestClaude.layer("Yes.").pipe(ResponseCache.policy(), Layer.provide(ResponseCache.layerMemory())),
        KeyValueStore.layerMemory
      ])
    )
  )

  it.effect("is refused if it is damaged or newer", () =>
    Effect.gen(function* () {
      const values = yield* KeyValueStore.KeyValueStore
      for (const [text, detail] of [
        ["{", "it is damaged or belongs to another program; remove it, or use another id"],
        ['{"version":1}', "it is damaged; remove it, or use another id"],
        ['{"version":2}', "a newer effect-claude wrote it, in format 2; update effect-claude"]
      ] as const) {
        yield* values.set("conversation-anna", text)
        const error = yield* Effect.flip(Conversation.open("anna"))
        assert.strictEqual(error.message, `the stored conversation "anna" cannot be read: ${detail}`)
      }
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )

  it.effect("takes over a conversation in memory under a new id", () =>
    Effect.gen(function* () {
      yield* Conversation.undo(yield* Conversation.open("anna"))
      const chat = yield* Conversation.make()
      yield* Conversation.generateText(chat, "One?")
      const stored = yield* Conversation.persist(chat, "anna")
      yield* Conversation.generateText(stored, "Two?")
      assert.lengthOf(yield* (yield* Conversation.open("anna")).messages, 4)
      assert.strictEqual((yield* Effect.flip(Conversation.persist(chat, "anna")))._tag, "ConversationExists")
    }).pipe(Effect.provide([TestClaude.layer("Yes."), KeyValueStore.layerMemory]))
  )
})

// Builders

const weather = Toolkit.make(Tool.make("weather", { success: Schema.String }))

const handlers = weather.toLayer({ weather: () => Effect.succeed("Sunny.") })

const toolCall = {
  content: [{ type: "tool_use" as const, id: "", name: "weather", input: {}, caller: { type: "direct" as const } }]
}
