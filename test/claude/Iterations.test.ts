import { assert, describe, it } from "@effect/vitest"
import * as Iterations from "../../src/claude/Iterations.ts"
import type { Request } from "../../src/claude/Request.ts"

describe("a call", () => {
  it("has one iteration with tools of the program, or without any", () => {
    const tool = { name: "search", input_schema: { type: "object" as const } }
    assert.isFalse(Iterations.areMany(plain))
    assert.isFalse(Iterations.areMany({ ...plain, tools: [tool], mcp_servers: [], fallbacks: null }))
    assert.isFalse(
      Iterations.areMany({ ...plain, context_management: { edits: [{ type: "clear_thinking_20251015" }] } })
    )
  })

  it("may have many with tools of the API, MCP servers, fallbacks or compaction", () => {
    const many: ReadonlyArray<Partial<Request>> = [
      { tools: [{ type: "web_search_20250305", name: "web_search" }] },
      { tools: [{ type: "code_execution_20250825", name: "code_execution" }] },
      { mcp_servers: [{ type: "url", name: "files", url: "https://example.com" }] },
      { fallbacks: [{ model: "claude-opus-5" }] },
      { context_management: { edits: [{ type: "compact_20260112" }] } }
    ]
    for (const part of many) assert.isTrue(Iterations.areMany({ ...plain, ...part }), JSON.stringify(part))
  })
})

// Builders

const plain: Request = { model: "claude-sonnet-5", max_tokens: 10, messages: [{ role: "user", content: "Hello" }] }
