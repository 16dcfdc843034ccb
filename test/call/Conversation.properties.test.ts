/**
 * Conversations under random sequences of turns, failures, interruptions, undos, forks, imports and trims. The emulator
 * refuses a history that the API would refuse.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Conversation from "../../src/call/Conversation.ts"
import { ClaudeError } from "../../src/claude/ClaudeError.ts"
import type { Request } from "../../src/claude/Request.ts"
import * as Emulator from "../../src/testing/Emulator.ts"

const Action = Schema.Literals([
  "ask",
  "ask",
  "ask",
  "stream",
  "refused",
  "cut",
  "interrupted",
  "left",
  "other model",
  "call a tool",
  "call without end",
  "undo",
  "fork",
  "import"
])

const Scenario = Schema.Struct({
  actions: Schema.Array(Action).check(Schema.isMinLength(10), Schema.isMaxLength(40)),
  above: Schema.Literals([600, 1200, 5000, 1_000_000]),
  keep: Schema.Literals([0, 0.25, 0.5, 1])
})

const runs = Number(process.env["SCHEDULES"] ?? 100)

describe("random sequences of turns, failures, undos, forks and trims", () => {
  it.effect.prop(
    "leave a history that the API accepts, and that a failed turn does not change",
    [Scenario],
    ([{ above, actions, keep }]) =>
      Effect.gen(function* () {
        let chat = yield* Conversation.make({ ...settings, trim: { above, keep } })
        let asked = 0
        for (const action of actions) {
          const before = yield* chat.messages
          const text = `${(asked += 1)} ${question}`
          const unchanged = Effect.map(chat.messages, (after) =>
            assert.strictEqual(after.length, before.length, action)
          )
          switch (action) {
            case "ask":
              yield* Conversation.generateText(chat, text)
              assert.deepStrictEqual((yield* chat.messages).slice(0, before.length), before)
              break
            case "stream":
              yield* Stream.runDrain(Conversation.streamText(chat, text))
              break
            case "other model":
              yield* Conversation.generateText(chat, { content: text, model: "claude-haiku-5-5" })
              break
            case "refused":
              yield* Effect.flip(Conversation.generateText(chat, `${text} ${refusal}`))
              yield* unchanged
              break
            case "cut":
              yield* Effect.flip(Conversation.generateText(chat, { content: text, max_tokens: 1 }))
              yield* unchanged
              break
            case "interrupted": {
              const fiber = yield* Effect.forkChild(Conversation.generateText(chat, text))
              for (let yields = 0; yields < asked % 5; yields++) yield* Effect.yieldNow
              yield* Fiber.interrupt(fiber)
              // The answer may have arrived before the interruption.
              assert.include([0, 2], (yield* chat.messages).length - before.length)
              break
            }
            case "left":
              yield* Stream.runDrain(Stream.take(Conversation.streamText(chat, text), 1))
              yield* unchanged
              break
            case "call a tool":
              yield* Conversation.generateWithTools(chat, toolkit, `${text} ${trigger}`)
              assert.strictEqual((yield* chat.messages).length, before.length + 4)
              break
            case "call without end":
              yield* Effect.flip(
                Conversation.generateWithTools(chat, toolkit, `${text} ${trigger}`, { limits: { turns: 1 } })
              )
              yield* unchanged
              break
            case "undo":
              yield* Conversation.undo(chat)
              assert.isAtMost((yield* chat.messages).length, before.length)
              break
            case "fork":
              chat = yield* Conversation.fork(chat)
              break
            case "import":
              chat = yield* Conversation.fromMessages(before, chat.options)
              yield* unchanged
          }
        }
        yield* Conversation.generateText(chat, question)
      }).pipe(
        Effect.catchIf(
          (error) => error instanceof ClaudeError,
          (error) => Effect.die(error)
        ),
        Effect.provide([handlers, Emulator.layer({ replies })])
      ),
    { arbitrary: { runs } }
  )
})

// Builders

const settings: Conversation.Settings = { thinking: { type: "adaptive" } }

const toolkit = Toolkit.make(Tool.make("weather", { success: Schema.String }))

const handlers = toolkit.toLayer({ weather: () => Effect.succeed("Sunny.") })

/** A question with it is answered with two calls of the tool. */
const trigger = "How is the weather?"

const question = "Is this a question with some words in it, which the answer repeats? ".repeat(3)

const refusal = "ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL_0"

/** Thinking, a text that is empty, and texts of several blocks. */
const answer = {
  content: [
    { type: "thinking", thinking: "A question.", signature: "EhIx" },
    { type: "text", text: "" },
    { type: "text", text: "An answer with some words. ".repeat(10) },
    { type: "text", text: "\n" },
    { type: "text", text: "The end." }
  ]
}

const asks = ({ messages }: { readonly messages: ReadonlyArray<unknown> }) =>
  JSON.stringify(messages.at(-1)).includes(trigger)

let calls = 0
const call = () => ({ type: "tool_use", id: `toolu_${(calls += 1)}`, name: "weather", input: {} })

/** The emulator accepts any first message; a request begins with what the user says, not with results of tools. */
const beginsWell = ({ messages }: Request) => {
  assert.strictEqual(messages[0]?.role, "user")
  assert.notInclude(JSON.stringify(messages[0]), "tool_result")
  return false
}

const replies: NonNullable<Emulator.Options["replies"]> = [
  { when: beginsWell, reply: answer },
  { when: asks, reply: () => ({ content: [answer.content[0] ?? call(), call(), call()] }) },
  { when: (request) => !JSON.stringify(request).includes(refusal), reply: answer }
]
