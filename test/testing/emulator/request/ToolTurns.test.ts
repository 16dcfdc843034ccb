import { assert, describe, it } from "@effect/vitest"
import type * as Prompt from "../../../../src/testing/emulator/request/Prompt.ts"
import * as ToolTurns from "../../../../src/testing/emulator/request/ToolTurns.ts"

describe("ToolTurns.check", () => {
  it("accepts results in several messages, after a system message, and before other blocks", () => {
    const conversations = [
      conversation(calling("a", "b"), answering("a"), answering("b")),
      conversation(calling("a"), reminder, answering("a"), { role: "assistant", content: "Warm." }),
      conversation(calling("a"), { role: "user", content: [...answering("a").content, text("And tomorrow?")] })
    ]
    for (const messages of conversations) assert.strictEqual(ToolTurns.check({ messages, tools }), undefined)
  })

  it("refuses a call without its result in the next turn, and a result without its call in the turn before", () => {
    const cases = [
      [conversation(calling("a", "b"), answering("a")), missing("b")],
      [conversation(calling("a", "b")), missing("a, b")],
      [conversation(calling("a"), answering("a", "b")), stray("messages.2.content.1")],
      [[answering("b")], stray("messages.0.content.0")],
      [conversation(calling("a", "a"), answering("a")), "messages.1.content.1: `tool_use` ids must be unique"],
      [
        conversation(calling("a"), answering("a", "a")),
        "messages.2.content.1: each tool_use must have a single result. Found multiple `tool_result` blocks with id: a"
      ]
    ] as const
    for (const [messages, message] of cases) assert.strictEqual(ToolTurns.check({ messages, tools }), message)
  })

  it("refuses a result that comes after other blocks or messages", () => {
    const late: ReadonlyArray<Prompt.Fields["messages"]> = [
      conversation(calling("a"), { role: "user", content: [text("hm"), ...answering("a").content] }),
      conversation(calling("a"), { role: "user", content: "hm" }, answering("a"))
    ]
    for (const messages of late) assert.strictEqual(ToolTurns.check({ messages, tools }), missing("a"))
  })

  it("refuses calls and results in a request without tools", () => {
    assert.strictEqual(
      ToolTurns.check({ messages: conversation(calling("a"), answering("a")) }),
      "Requests which include `tool_use` or `tool_result` blocks must define tools."
    )
  })
})

const tools = [{ name: "weather", input_schema: { type: "object" } }]
const hello = { role: "user", content: "Hello" }
const reminder = { role: "system", content: "Be brief." }
const text = (text: string) => ({ type: "text", text })

const conversation = (...turns: ReadonlyArray<Prompt.Fields["messages"][number]>) => [hello, ...turns]

const calling = (...ids: ReadonlyArray<string>) => ({
  role: "assistant",
  content: ids.map((id) => ({ type: "tool_use", id, name: "weather", input: {} }))
})

const answering = (...ids: ReadonlyArray<string>) => ({
  role: "user",
  content: ids.map((id) => ({ type: "tool_result", tool_use_id: id, content: "20 degrees" }))
})

const missing = (ids: string) =>
  `messages.1: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${ids}. Each ` +
  "`tool_use` block must have a corresponding `tool_result` block in the next message."

const stray = (path: string) =>
  `${path}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: b. Each \`tool_result\` block must have a ` +
  "corresponding `tool_use` block in the previous message."
