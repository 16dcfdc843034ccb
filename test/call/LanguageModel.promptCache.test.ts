import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Chat from "effect/ai/Chat"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import { generateWithTools } from "../../src/call/tools.ts"
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

describe("an agent", () => {
  it.effect("sends the same requests through Chat as Claude.generateWithTools does", () =>
    Effect.gen(function* () {
      const direct = yield* callsOf(Effect.asVoid(generateWithTools(tools, agentQuestion)))
      assert.deepStrictEqual(yield* callsOf(agent), direct)
      assert.isAbove(direct.length, 1)
    }).pipe(Effect.provide(handlers))
  )
})

// Builders

const Lookup = Tool.make("look_up_rules", {
  description: "Finds the rule of a parcel",
  parameters: Schema.Struct({ parcel: Schema.String, hints: Schema.optionalKey(Schema.Array(Schema.String)) }),
  success: Schema.Struct({ rule: Schema.String, classes: Schema.Record(Schema.String, Schema.Int) })
})
const Weigh = Tool.make("weigh_parcel", { parameters: Schema.Struct({ parcel: Schema.String }), success: Schema.Int })
const tools = Toolkit.make(Lookup, Weigh)
const handlers = tools.toLayer({
  look_up_rules: () => Effect.succeed({ rule: system, classes: { letter: 3 } }),
  weigh_parcel: () => Effect.succeed(12)
})
const agentQuestion = "Look up the rules for this parcel, and weigh it."

const agent = Effect.gen(function* () {
  const toolkit = yield* tools
  const chat = yield* Chat.empty
  let response = yield* chat.generateText({ prompt: agentQuestion, toolkit })
  while (response.toolCalls.length > 0) response = yield* chat.generateText({ prompt: [], toolkit })
}).pipe(Effect.provide(LanguageModel.layer()))

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
const callsOf = <E, R>(conversation: Effect.Effect<void, E, R | Claude>) =>
  Effect.gen(function* () {
    yield* conversation
    const { ledger } = yield* Emulator.Emulator
    return yield* ledger
  }).pipe(Effect.provide(Emulator.layer().pipe(PromptCache.policy())))
