import { assert, describe, it } from "@effect/vitest"
import * as History from "../../../src/call/conversation/History.ts"
import type { Message } from "../../../src/claude/Reply.ts"
import type * as Usage from "../../../src/claude/Usage.ts"
import { message, request as small, searched, thinking } from "../../fixtures.ts"

describe("the history of a conversation", () => {
  it("counts the last prompt and its answer, by the last iteration where the API had several", () => {
    const tokensOf = (reply: Message) => added(History.empty, "Hi", { message: reply }).turns[0]?.tokens
    assert.strictEqual(tokensOf(message({ usage: { input_tokens: 10, cache_read_input_tokens: 500 } })), 530)
    const iterations: Usage.ApiUsage["iterations"] = [
      { type: "compaction", input_tokens: 60_000, output_tokens: 500 },
      { type: "message", input_tokens: 900, output_tokens: 100 },
      { type: "message", input_tokens: 1000, output_tokens: 20 }
    ]
    const usage = Object.assign({ ...message().usage }, { iterations, input_tokens: 1900, output_tokens: 120 })
    assert.strictEqual(tokensOf({ ...message(), usage }), 1020)
  })

  it("is sent from the last summary of the API, which a failed one does not replace", () => {
    const [one, two] = [added(History.empty, "One?"), added(History.empty, "Two?")]
    const sequence = [one, compacted("A summary."), two, compacted(null), two]
    const starts = sequence.map((_, at) => {
      const turns = sequence.slice(0, at + 1).flatMap(({ turns }) => turns)
      return History.start(turns.reduce<History.History>(History.extend, History.empty))
    })
    assert.deepStrictEqual(starts, [0, 1, 1, 1, 1])
    assert.strictEqual(History.start(History.empty), 0)
  })

  it("keeps the turns that are no longer sent", () => {
    const one = added(History.empty, "One?")
    const two = added(one, "Two?", {}, 1)
    assert.lengthOf(History.messages(two), 4)
    assert.strictEqual(History.start(two), 1)
    assert.strictEqual(History.start(History.undo(two)), 0)
  })

  it("does not return the thinking of a fallback model to the model that was asked", () => {
    const thinking = { type: "thinking", thinking: "hm", signature: "s" } as const
    const reply = message({ model: "claude-haiku-5-5", content: [thinking, ...message().content] })
    const history = added(History.empty, "One?", { message: reply, fallback: true })
    assert.lengthOf(blocksOf(History.request(history, settings, "Two?", 0).messages[1]), 1)
    const asked = { ...settings, model: "claude-haiku-5-5" }
    assert.lengthOf(blocksOf(History.request(history, asked, "Two?", 0).messages[1]), 2)
  })

  it("has the tools of its calls where a turn has none, and then calls no tool", () => {
    const tools = [{ name: "weather", input_schema: { type: "object" as const } }]
    const call = { type: "tool_use", id: "toolu_1", name: "weather", input: {} } as const
    const result = { type: "tool_result", tool_use_id: "toolu_1", content: "Sunny." } as const
    const turn: ReadonlyArray<History.Message> = [
      { role: "user", content: "Weather?" },
      { role: "assistant", content: [call] },
      { role: "user", content: [result] },
      { role: "assistant", content: "Sunny." }
    ]
    const request = { ...settings, tools }
    const history = History.append(History.empty, { messages: turn, from: 0, request, reply })
    const later = added(history, "Sure?")
    assert.deepInclude(History.requestWithoutTools(later, settings, "Why?", 0), {
      tools,
      tool_choice: { type: "none" }
    })
    assert.notProperty(History.requestWithoutTools(later, settings, "Why?", 1), "tools")
    const imported: History.History = { turns: later.turns }
    assert.deepInclude(History.requestWithoutTools(imported, settings, "Why?", 0), { tools })
    const other = [{ name: "time", input_schema: { type: "object" as const } }]
    assert.deepInclude(History.requestWithoutTools(later, { ...settings, tools: other }, "Why?", 0), { tools: other })
  })

  it("returns imported thinking to any model, since its own is not known", () => {
    const content = [thinking, ...message("Yes.").content]
    const messages = History.answered("One?", message({ content }))
    const imported = History.extend(History.empty, { messages })
    const asked = History.request(imported, settings, "Two?", 0)
    assert.deepStrictEqual(blocksOf(asked.messages[1]), content)
  })

  it("returns the blocks of server tools as they came", () => {
    const content = [...searched, ...message("Found.").content]
    const history = added(History.empty, "Search.", { message: message({ content }) })
    assert.deepStrictEqual(blocksOf(History.messages(history)[1]), content)
  })
})

// Builders

const settings = { ...small, messages: [] }

const reply = { message: message(), requestId: undefined, origin: "api", rateLimits: undefined } as const

/** The history after one more turn. */
const added = (
  history: History.History,
  question: string,
  facts: { readonly message?: Message; readonly fallback?: true } = {},
  from = History.start(history)
) => {
  const answer = { ...reply, ...facts }
  const messages = History.answered(question, answer.message)
  return History.append(history, { messages, from, request: small, reply: answer })
}

const compacted = (content: string | null): History.History => ({
  turns: [{ messages: [{ role: "assistant", content: [{ type: "compaction", content }] }], from: 0 }]
})

const blocksOf = (message: History.Message | undefined): ReadonlyArray<unknown> =>
  message === undefined ? [] : History.blocksOf(message)
