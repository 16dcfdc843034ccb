/**
 * What rules for trimming cost: a conversation of 40 turns on the emulator, whose prompts may have 12,000 tokens, with
 * the prompt cache. The bench `trim` prints the table, and a test holds its order.
 */
import * as Effect from "effect/Effect"
import * as Conversation from "../../../src/call/Conversation.ts"
import type { Message } from "../../../src/call/conversation/History.ts"
import * as Usage from "../../../src/claude/Usage.ts"
import * as PromptCache from "../../../src/policy/PromptCache.ts"
import * as Emulator from "../../../src/testing/Emulator.ts"

const turns = 40

/** The most tokens of a prompt. */
const above = 12_000

/** A rule: options of the conversation, and what happens before each turn. */
interface Rule {
  readonly options?: Conversation.Options
  readonly before?: (chat: Conversation.Conversation) => ReturnType<typeof summarised>
}

/** Text of this many tokens, of which the emulator finds one in four characters. */
const words = (tokens: number, seed: string) => `${seed} word `.repeat(tokens).slice(0, tokens * 4 - 1)

const system = words(1000, "system")

const tokensOf = (messages: ReadonlyArray<Message>) => JSON.stringify(messages).length / 4 + 1000

/** Shortens the oldest long texts until the prompt fits, as some tools do. */
const shortened = (chat: Conversation.Conversation) =>
  Effect.gen(function* () {
    const messages = [...(yield* chat.messages)]
    for (const [at, message] of messages.entries()) {
      if (tokensOf(messages) <= above - 300) break
      const text = JSON.stringify(message.content)
      if (text.length > 300) messages[at] = { role: message.role, content: `${text.slice(0, 200)}` }
    }
    return yield* Conversation.fromMessages(messages, chat.options)
  })

/** Asks for a summary and continues with it and the later half of the turns. */
const summarised = (chat: Conversation.Conversation) =>
  Effect.gen(function* () {
    const messages = yield* chat.messages
    if (tokensOf(messages) <= above - 300) return chat
    const branch = yield* Conversation.fork(chat)
    const { text } = yield* Conversation.generateText(branch, "Summarise the conversation.")
    const half = messages.length / 2
    const later = messages.slice(half % 2 === 0 ? half : half + 1)
    const summary = [
      { role: "user", content: text },
      { role: "assistant", content: "I see." }
    ]
    return yield* Conversation.fromMessages([...summary, ...later], chat.options)
  })

/** The rules of the table. */
export const rules = {
  "no trimming": {},
  "drop the oldest turn in each turn": { options: { trim: { above, keep: 1 } } },
  "shorten the oldest text in place": { before: shortened },
  "drop to a half": { options: { trim: { above, keep: 0.5 } } },
  "drop to a quarter": { options: { trim: { above } } },
  "summary and a half": { before: summarised }
} satisfies Record<string, Rule>

/** What the calls of a conversation were billed. */
export interface Figures {
  /** In input tokens without a cache: writing costs 1.25, reading 0.1. */
  readonly cost: number
  readonly read: number
  readonly written: number
  readonly plain: number
  readonly output: number
  /** The tokens of the longest prompt. */
  readonly longest: number
}

/** Runs the conversation under one rule. */
export const measure = ({ before = Effect.succeed, options = {} }: Rule) =>
  Effect.gen(function* () {
    let chat = yield* Conversation.make({ ...options, system })
    for (let turn = 1; turn <= turns; turn++) {
      chat = yield* before(chat)
      yield* Conversation.generateText(chat, words(300, `question${turn}`))
    }
    const { ledger } = yield* Emulator.Emulator
    const calls = (yield* ledger).map(({ usage }) => usage)
    const total = calls.reduce(Usage.sum)
    const { cacheRead: read, cacheWrite5m: written, input: plain, output } = total
    const longest = Math.max(...calls.map(Usage.totalInput))
    return { cost: Math.round(plain + 1.25 * written + 0.1 * read), read, written, plain, output, longest }
  }).pipe(Effect.provide(Emulator.layer({ replies }).pipe(PromptCache.policy())))

const replies: NonNullable<Emulator.Options["replies"]> = [
  {
    when: () => true,
    reply: ({ messages }) => ({
      content: [{ type: "text", text: words(300, `answer ${JSON.stringify(messages.at(-1)).slice(30, 50)}`) }]
    })
  }
]
