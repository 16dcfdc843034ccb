/**
 * A conversation grows at its end only, so the breakpoints of `PromptCache` stay where the API finds them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Chat from "effect/ai/Chat"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Conversation from "../../src/call/Conversation.ts"
import * as LanguageModel from "../../src/call/LanguageModel.ts"
import * as Usage from "../../src/claude/Usage.ts"
import * as PromptCache from "../../src/policy/PromptCache.ts"
import * as Emulator from "../../src/testing/Emulator.ts"

describe("a conversation with the prompt cache", () => {
  it.effect("reads in each of 40 turns all that the turn before has sent", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make({ system })
      for (let turn = 1; turn <= 40; turn++) yield* Conversation.generateText(chat, question(turn))
      yield* assertReads(40)
    }).pipe(withCache)
  )

  it.effect("reads what the turn before has sent where turns call tools and have more than 20 blocks", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make({ system })
      for (let turn = 1; turn <= 10; turn++) {
        yield* Conversation.generateWithTools(chat, toolkit, `${question(turn)} ${trigger}`)
      }
      assert.isAbove((yield* chat.messages).flatMap(({ content }) => [...(content ?? [])]).length, 10 * 20)
      yield* assertReads(20)
    }).pipe(withCache)
  )

  it.effect("reads the shared turns in both branches, and after an undo", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make({ system })
      for (let turn = 1; turn <= 5; turn++) yield* Conversation.generateText(chat, question(turn))
      const branch = yield* Conversation.fork(chat)
      const shared = (yield* usages).at(-1)
      const least = shared === undefined ? Infinity : Usage.totalInput(shared) - 10
      yield* Conversation.generateText(branch, question(6))
      yield* Conversation.generateText(chat, question(7))
      yield* Conversation.undo(chat)
      yield* Conversation.generateText(chat, question(8))
      for (const { cacheRead } of (yield* usages).slice(-3)) assert.isAtLeast(cacheRead, least)
    }).pipe(withCache)
  )
})

describe("Chat of effect/ai with the prompt cache", () => {
  it.effect("reads as many tokens as a conversation, in 40 turns", () =>
    Effect.gen(function* () {
      const direct = yield* Effect.gen(function* () {
        const chat = yield* Conversation.make({ system })
        for (let turn = 1; turn <= 40; turn++) yield* Conversation.generateText(chat, question(turn))
        return yield* usages
      }).pipe(withCache)
      const chat = yield* Effect.gen(function* () {
        const chat = yield* Chat.fromPrompt([{ role: "system", content: system }])
        for (let turn = 1; turn <= 40; turn++) yield* chat.generateText({ prompt: question(turn) })
        return yield* usages
      }).pipe(Effect.provide(LanguageModel.layer()), withCache)
      assert.deepStrictEqual(chat, direct)
      assert.isAbove(
        direct.reduce((sum, { cacheRead }) => sum + cacheRead, 0),
        150_000
      )
    })
  )
})

// Builders

const system = "The system prompt has some words. ".repeat(100)

const question = (turn: number) => `Question ${turn} has some words. ${"Here they are. ".repeat(40)}`

const trigger = "How is the weather?"

const toolkit = Toolkit.make(Tool.make("weather", { success: Schema.String }))

const usages = Emulator.Emulator.use(({ ledger }) => Effect.map(ledger, (calls) => calls.map(({ usage }) => usage)))

/** Each call reads what the call before has sent, but for the few tokens that the API adds at the end. */
const assertReads = Effect.fnUntraced(function* (calls: number) {
  const all = yield* usages
  assert.lengthOf(all, calls)
  for (const [at, { cacheRead }] of all.entries()) {
    const before = all[at - 1]
    // A first message alone has no breakpoint.
    if (at >= 2 && before !== undefined) assert.isAtLeast(cacheRead, Usage.totalInput(before) - 10, `call ${at}`)
  }
})

let calls = 0
const call = () => ({ type: "tool_use", id: `toolu_${(calls += 1)}`, name: "weather", input: {} })

const replies: NonNullable<Emulator.Options["replies"]> = [
  {
    when: ({ messages }) => JSON.stringify(messages.at(-1)).includes(trigger),
    reply: () => ({ content: Array.from({ length: 12 }, call) })
  }
]

const withCache = Effect.provide(
  Layer.mergeAll(
    Emulator.layer({ replies }).pipe(PromptCache.policy()),
    toolkit.toLayer({ weather: () => Effect.succeed("Sunny.") })
  )
)
