import { assert, describe, it } from "@effect/vitest"
import type { Request } from "../../../src/claude/Request.ts"
import { requestFor } from "../../../src/policy/fallback/Target.ts"
import * as TestClaude from "../../../src/testing/TestClaude.ts"
import { request, thinking } from "../../fixtures.ts"

describe("the request for a fallback", () => {
  it("is the same object if nothing differs", () => {
    assert.strictEqual(requestFor(request, { model: request.model }), request)
  })

  it("names the model, and replaces the given fields", () => {
    const asked: Request = { ...request, output_config: { effort: "high", format: null } }
    const target = { model: "claude-opus-5", max_tokens: 50, output_config: { effort: "low" } } as const
    assert.deepStrictEqual(requestFor(asked, target), {
      ...request,
      model: "claude-opus-5",
      max_tokens: 50,
      output_config: { effort: "low", format: null }
    })
  })

  it("asks for no more tokens than the model can write", () => {
    const long = { ...request, max_tokens: 100_000 }
    assert.strictEqual(requestFor(long, { model: "claude-haiku-4-5" }).max_tokens, 64_000)
    assert.strictEqual(requestFor(long, { model: "claude-opus-5" }).max_tokens, 100_000)
    assert.strictEqual(requestFor(long, { model: "a-model-of-tomorrow" }).max_tokens, 100_000)
  })

  it("is not in fast mode if the model has none", () => {
    const fast: Request = { ...request, speed: "fast" }
    assert.notProperty(requestFor(fast, { model: "claude-haiku-5-5" }), "speed")
    assert.propertyVal(requestFor(fast, { model: "claude-opus-5-5" }), "speed", "fast")
    assert.propertyVal(requestFor(fast, { model: request.model, speed: "standard" }), "speed", "standard")
  })
})

describe("the history of another model", () => {
  it("loses its thinking, and the messages that held nothing else", () => {
    assert.deepStrictEqual(requestFor(withHistory, { model: "claude-opus-5" }).messages, [
      { role: "user", content: "Hi" },
      { role: "assistant", content: [{ type: "text", text: "Hello." }] },
      { role: "user", content: "Think." },
      { role: "user", content: "And?" }
    ])
  })

  it("keeps its thinking for the same model under another id, and loses it for another client", () => {
    const dated = { ...withHistory, model: "claude-haiku-4-5" } as const
    assert.strictEqual(requestFor(dated, { model: "claude-haiku-4-5-20251001" }).messages, withHistory.messages)
    const elsewhere = requestFor(dated, { model: dated.model, claude: TestClaude.layer() })
    assert.strictEqual(elsewhere.messages.length, 4)
  })

  it("is asked without manual thinking once it has lost its thinking", () => {
    const manual: Request = { ...withHistory, thinking: { type: "enabled", budget_tokens: 1024 } }
    const target = { model: "claude-haiku-4-5" } as const
    assert.deepStrictEqual(requestFor(manual, target).thinking, { type: "disabled" })
    assert.deepStrictEqual(requestFor({ ...manual, messages: request.messages }, target).thinking, manual.thinking)
    const adaptive = { ...target, thinking: { type: "adaptive" } } as const
    assert.deepStrictEqual(requestFor(manual, adaptive).thinking, { type: "adaptive" })
  })
})

// Builders

const withHistory: Request = {
  ...request,
  messages: [
    { role: "user", content: "Hi" },
    {
      role: "assistant",
      content: [thinking, { type: "redacted_thinking", data: "x" }, { type: "text", text: "Hello." }]
    },
    { role: "user", content: "Think." },
    { role: "assistant", content: [thinking] },
    { role: "user", content: "And?" }
  ]
}
