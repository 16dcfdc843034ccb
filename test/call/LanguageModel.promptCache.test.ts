import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Chat from "effect/ai/Chat"
import * as LanguageModel from "../../src/call/LanguageModel.ts"
import { Claude } from "../../src/claude/Claude.ts"
import { type Message, text } from "../../src/claude/Reply.ts"
import type { Request } from "../../src/claude/Request.ts"
import * as Usage from "../../src/claude/Usage.ts"
import * as PromptCache from "../../src/policy/PromptCache.ts"
import * as Emulator from "../../src/testing/Emulator.ts"

describe("a conversation of 40 turns", () => {
  it.effect("reads as much from the prompt cache through Chat as directly, because it sends the same requests", () =>
    Effect.gen(function* () {
      const direct = yield* callsOf(directly)
      assert.deepStrictEqual(yield* callsOf(throughChat), direct)
      assert.deepStrictEqual(yield* callsOf(throughStream), direct)
      assert.lengthOf(direct, turns)
      // 82,031 tokens read, 3,583 written, and 137 beside the cache.
      const { cacheRead, cacheWrite5m, input } = direct.map(({ usage }) => usage).reduce(Usage.sum)
      assert.isAbove(cacheRead / (cacheRead + cacheWrite5m + input), 0.95)
    })
  )
})

// Builders

const turns = 40
const question = (turn: number) => `Question ${turn}: which rule holds for parcel ${turn * 7}, and what does it say?`
const rules = Array.from(
  { length: 60 },
  (_, at) => `Rule ${at}: a parcel of class ${at % 9} is sent by route ${at * 3}.`
)
const system = rules.join("\n")

/** The conversation in the API's own terms. */
const directly = Effect.gen(function* () {
  const claude = yield* Claude
  const messages: Array<Request["messages"][number]> = []
  for (let turn = 0; turn < turns; turn++) {
    messages.push({ role: "user", content: question(turn) })
    const request = { model: "claude-sonnet-5-5", max_tokens: 200, system, messages: [...messages] }
    const { message } = yield* claude.create(request)
    messages.push({ role: "assistant", content: contentOf(message) })
  }
})

const contentOf = (message: Message) => [{ type: "text" as const, text: text(message) }]

const throughChat = Effect.gen(function* () {
  const chat = yield* Chat.fromPrompt([{ role: "system", content: system }])
  for (let turn = 0; turn < turns; turn++) yield* chat.generateText({ prompt: question(turn) })
}).pipe(Effect.provide(LanguageModel.layer({ max_tokens: 200 })))

const throughStream = Effect.gen(function* () {
  const chat = yield* Chat.fromPrompt([{ role: "system", content: system }])
  for (let turn = 0; turn < turns; turn++) yield* Stream.runDrain(chat.streamText({ prompt: question(turn) }))
}).pipe(Effect.provide(LanguageModel.layer({ max_tokens: 200 })))

/** The calls of a conversation, as the emulator bills them. */
const callsOf = <E>(conversation: Effect.Effect<void, E, Claude>) =>
  Effect.gen(function* () {
    yield* conversation
    const { ledger } = yield* Emulator.Emulator
    return yield* ledger
  }).pipe(Effect.provide(Emulator.layer().pipe(PromptCache.policy())))
