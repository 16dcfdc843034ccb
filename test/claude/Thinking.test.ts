import { assert, describe, it } from "@effect/vitest"
import type { Request } from "../../src/claude/Request.ts"
import * as Thinking from "../../src/claude/Thinking.ts"

describe("Thinking", () => {
  it("is removed from the answers of Claude, and an answer that held nothing else is removed too", () => {
    const { messages } = Thinking.removed(request)
    assert.deepStrictEqual(messages, [question, { role: "assistant", content: [text] }, question])
  })

  it("leaves a request without thinking as it is", () => {
    const plain = { ...request, messages: [question] }
    assert.strictEqual(Thinking.removed(plain), plain)
  })

  it("is disabled where the API wants each turn to begin with it", () => {
    const manual = { ...request, thinking: { type: "enabled" as const, budget_tokens: 1024 } }
    assert.deepStrictEqual(Thinking.removed(manual).thinking, { type: "disabled" })
  })
})

const question = { role: "user" as const, content: "Hi" }
const text = { type: "text" as const, text: "Hello" }
const thought = { type: "thinking" as const, thinking: "hm", signature: "s" }

const request: Request = {
  model: "claude-sonnet-5-5",
  max_tokens: 10,
  messages: [
    question,
    { role: "assistant", content: [thought, text] },
    { role: "assistant", content: [thought] },
    question
  ]
}
