import type { Anthropic } from "@anthropic-ai/sdk"
import { assert, describe, it } from "@effect/vitest"
import type { Request } from "../../src/claude/Request.ts"
import * as TokenEstimate from "../../src/claude/TokenEstimate.ts"
import { request } from "../fixtures.ts"

describe("TokenEstimate.of", () => {
  it("is within a sixth of the counts in Anthropic's documentation", () => {
    for (const [name, count, asked] of documented) {
      assert.approximately(TokenEstimate.of(asked) / count, 1, 1 / 6, name)
    }
  })

  it("counts more tokens for the tokenizer of newer models, whatever the spelling of the id", () => {
    const text = "The quick brown fox jumps over the lazy dog. ".repeat(100)
    const of = (model: string) => TokenEstimate.of({ ...asking(text), model })
    const older = of("claude-opus-4-6")
    for (const model of [
      "claude-3-opus-20240229",
      "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
      "claude-opus-4@20250514"
    ]) {
      assert.strictEqual(of(model), older, model)
    }
    for (const model of ["claude-opus-4-7", "claude-sonnet-5-5", "anthropic.claude-fable-5-2", "another"]) {
      assert.approximately(of(model) / older, 1.35, 0.01, model)
    }
  })

  it("counts an ideograph as a token", () => {
    assert.approximately(TokenEstimate.of({ ...asking("漢字".repeat(500)), model: "claude-sonnet-4-6" }), 1000, 20)
  })

  it("does not count tools that are loaded later", () => {
    const [tool] = weather
    const deferred = TokenEstimate.of({ ...request, tools: [{ ...tool, defer_loading: true }] })
    assert.isBelow(deferred, TokenEstimate.of({ ...request, tools: weather }))
  })
})

describe("TokenEstimate.bound", () => {
  it("is at least the UTF-8 bytes of a text", () => {
    for (const text of ["a", "é", "漢", "👍", "\ud83d"]) {
      const bytes = Buffer.byteLength(text.repeat(1000))
      assert.isAtLeast(bounded(asking(text.repeat(1000))), bytes, text)
    }
  })

  it("counts a text that a tokenizer normalizes to a longer one", () => {
    assert.isAtLeast(bounded(asking("\ufdfa".repeat(1000))), Buffer.byteLength("\ufdfa".repeat(1000).normalize("NFKC")))
  })

  it("is never below the estimate", () => {
    for (const [name, , asked] of documented) assert.isAtLeast(bounded(asked), TokenEstimate.of(asked), name)
  })

  it("is at most the context window, as for a PDF, whose text is compressed", () => {
    assert.strictEqual(TokenEstimate.bound(asking("a".repeat(2_000_000))), 1_000_000)
    const source = { type: "base64", media_type: "application/pdf", data: "JVBERi0=" } as const
    assert.strictEqual(TokenEstimate.bound(asking([{ type: "document", source }])), 1_000_000)
    assert.strictEqual(
      TokenEstimate.bound({ ...asking([{ type: "document", source }]), model: "claude-haiku-4-5" }),
      200_000
    )
  })

  it("counts an image of unknown size as the largest", () => {
    const source = { type: "url", url: "https://example.com/a.png" } as const
    const of = (model: string) => bounded({ ...asking([{ type: "image", source }]), model })
    assert.isAtLeast(of("claude-opus-5-5"), 4784)
    assert.isBelow(of("claude-haiku-4-5"), 2000)
  })

  it("is unknown for a PDF to a model that is not listed", () => {
    const source = { type: "url", url: "https://example.com/a.pdf" } as const
    assert.isUndefined(TokenEstimate.bound({ ...asking([{ type: "document", source }]), model: "another" }))
    assert.isDefined(TokenEstimate.bound({ ...asking("Hi"), model: "another" }))
  })

  it("is unknown where the API may read the prompt several times", () => {
    const repeated: ReadonlyArray<Partial<Request>> = [
      { tools: [{ type: "web_search_20260318", name: "web_search" }] },
      { tools: [...weather, { type: "tool_search_tool_bm25_20251119", name: "tool_search_tool_bm25" }] },
      { mcp_servers: [{ type: "url", name: "a", url: "https://example.com" }] },
      { fallbacks: "default" },
      { compaction: { type: "summarize" } },
      { context_management: { edits: [{ type: "compact_20260112" }] } }
    ]
    for (const fields of repeated) {
      assert.isUndefined(TokenEstimate.bound({ ...request, ...fields }), JSON.stringify(fields))
    }
    assert.isDefined(TokenEstimate.bound({ ...request, mcp_servers: [], fallbacks: null, compaction: null }))
  })
})

const asking = (content: string | Array<Anthropic.ContentBlockParam>): Request => ({
  ...request,
  messages: [{ role: "user", content }]
})

const bounded = (asked: Request): number => TokenEstimate.bound(asked) ?? NaN

const weather = [
  {
    name: "get_weather",
    description: "Get the current weather in a given location",
    input_schema: {
      type: "object",
      properties: {
        location: { type: "string", description: "The city and state, e.g. San Francisco, CA" }
      },
      required: ["location"]
    }
  }
] as const satisfies Request["tools"]

/** Anthropic, "Token counting", Nov 2025: what `count_tokens` answered to the examples. */
const documented: ReadonlyArray<readonly [name: string, count: number, request: Request]> = [
  [
    "a system prompt",
    14,
    {
      ...request,
      model: "claude-3-5-sonnet-20241022",
      system: "You are a scientist",
      messages: [{ role: "user", content: "Hello, Claude" }]
    }
  ],
  [
    "a tool",
    403,
    {
      ...request,
      model: "claude-3-5-sonnet-20241022",
      tools: weather,
      messages: [{ role: "user", content: "What's the weather like in San Francisco?" }]
    }
  ]
]
