/**
 * What rules for trimming cost: a conversation of 40 turns on the emulator, whose prompts may have 12,000 tokens, with
 * the prompt cache. The bench `trim` prints the table, and a test holds its order. The API summarises no prompt below
 * 50,000 tokens, so its compaction is compared in a conversation that is five times as long.
 */
import * as Effect from "effect/Effect"
import * as Conversation from "../../../src/call/Conversation.ts"
import type { Message } from "../../../src/call/conversation/History.ts"
import * as Usage from "../../../src/claude/Usage.ts"
import * as PromptCache from "../../../src/policy/PromptCache.ts"
import * as Emulator from "../../../src/testing/Emulator.ts"

const turns = 40

/** The sizes of a conversation, in tokens. */
export interface Size {
  readonly system: number
  /** Of each question and each answer. */
  readonly message: number
  /** The most that a prompt may have. */
  readonly above: number
}

export const short: Size = { system: 1000, message: 300, above: 12_000 }
export const long: Size = { system: 5000, message: 1500, above: 60_000 }

/** A rule: options of the conversation, and what happens before each turn. */
interface Rule {
  readonly options?: (size: Size) => Conversation.Options
  readonly before?: typeof summarised
}

/** Text of this many tokens, of which the emulator finds one in four characters. */
const words = (tokens: number, seed: string) => `${seed} word `.repeat(tokens).slice(0, tokens * 4 - 1)

const fits = (messages: ReadonlyArray<Message>, { above, message, system }: Size) =>
  JSON.stringify(messages).length / 4 + system + message <= above

/** Shortens the oldest long texts until the prompt fits, as some tools do. */
const shortened = (chat: Conversation.Conversation, size: Size) =>
  Effect.gen(function* () {
    const messages = [...(yield* chat.messages)]
    for (const [at, message] of messages.entries()) {
      if (fits(messages, size)) break
      const text = JSON.stringify(message.content)
      if (text.length > 300) messages[at] = { role: message.role, content: `${text.slice(0, 200)}` }
    }
    return yield* Conversation.fromMessages(messages, chat.options)
  })

/** Asks for a summary and continues with it and the later half of the turns. */
const summarised = (chat: Conversation.Conversation, size: Size) =>
  Effect.gen(function* () {
    const messages = yield* chat.messages
    if (fits(messages, size)) return chat
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
  "drop the oldest turn in each turn": { options: ({ above }) => ({ trim: { above, keep: 1 } }) },
  "shorten the oldest text in place": { before: shortened },
  "drop to a half": { options: ({ above }) => ({ trim: { above, keep: 0.5 } }) },
  "drop to a quarter": { options: ({ above }) => ({ trim: { above } }) },
  "summary and a half": { before: summarised },
  "compaction by the API": { options: ({ above }) => ({ compact: { above } }) }
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
export const measure = ({ before = Effect.succeed, options }: Rule, size: Size) =>
  Effect.gen(function* () {
    let chat = yield* Conversation.make({ ...options?.(size), system: words(size.system, "system") })
    for (let turn = 1; turn <= turns; turn++) {
      chat = yield* before(chat, size)
      yield* Conversation.generateText(chat, words(size.message, `question${turn}`))
    }
    const { ledger } = yield* Emulator.Emulator
    const calls = (yield* ledger).map(({ usage }) => usage)
    const total = calls.reduce(Usage.sum)
    const { cacheRead: read, cacheWrite5m: written, input: plain, output } = total
    const longest = Math.max(...calls.map(Usage.totalInput))
    return { cost: Math.round(plain + 1.25 * written + 0.1 * read), read, written, plain, output, longest }
  }).pipe(Effect.provide(Emulator.layer({ replies: repliesOf(size) }).pipe(PromptCache.policy())))

const repliesOf = ({ message }: Size): NonNullable<Emulator.Options["replies"]> => [
  {
    when: () => true,
    reply: ({ messages }) => ({
      content: [{ type: "text", text: words(message, `answer ${JSON.stringify(messages.at(-1)).slice(30, 50)}`) }]
    })
  }
]
