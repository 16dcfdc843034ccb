import type { Anthropic } from "@anthropic-ai/sdk"
import { assert, describe, it } from "@effect/vitest"
import type { Request } from "../../src/claude/Request.ts"
import * as TokenEstimate from "../../src/claude/TokenEstimate.ts"
import { request } from "../fixtures.ts"

/** A model with the older tokenizer, so that a word is a token. */
const smallest: Request = { ...request, model: "claude-opus-4-6", messages: [{ role: "user", content: "" }] }

const user = (...content: Array<Anthropic.ContentBlockParam>): Partial<Request> => ({
  messages: [{ role: "user", content }]
})

const document = (bytes: number): Anthropic.DocumentBlockParam => ({
  type: "document",
  source: { type: "base64", media_type: "application/pdf", data: "J".repeat((bytes * 4) / 3) }
})

/** The header of a PNG. */
const png = (width: number, height: number): Anthropic.ImageBlockParam => {
  const header = Buffer.from("89504e470d0a1a0a0000000d494844520000000000000000", "hex")
  header.writeUInt32BE(width, 16)
  header.writeUInt32BE(height, 20)
  return { type: "image", source: { type: "base64", media_type: "image/png", data: header.toString("base64") } }
}

const text = { type: "text", text: "four words of text" } as const
const schema = { type: "object" } as const

/** With the tokens to expect, and at most: 32 for a block, 200 for a call of a tool, a byte for a token. */
const parts: ReadonlyArray<readonly [name: string, expected: number, most: number, fields: Partial<Request>]> = [
  ["a system prompt", 4, 18, { system: "four words of text" }],
  ["blocks of a system prompt", 8, 100, { system: [text, text] }],
  [
    "a message",
    4,
    32,
    {
      messages: [
        { role: "user", content: "" },
        { role: "assistant", content: "" }
      ]
    }
  ],
  ["a text", 4, 50, user(text)],
  ["a long word", 4, 48, user({ type: "text", text: "internationality" })],
  ["signs, digits and ideographs", 4, 42, user({ type: "text", text: "(1);漢字" })],
  ["an image by its size", 66, 98, user(png(166, 282))],
  ["an image that is scaled down", 1568, 1600, user(png(8000, 6000))],
  [
    "an image by address",
    523,
    1600,
    user({ type: "image", source: { type: "url", url: "https://example.com/a.png" } })
  ],
  [
    "a document of text, with its title and context",
    6,
    62,
    user({
      type: "document",
      title: "title",
      context: "context",
      source: { type: "text", media_type: "text/plain", data: text.text }
    })
  ],
  ["a document of blocks", 8, 132, user({ type: "document", source: { type: "content", content: [text, text] } })],
  [
    "citations",
    594,
    2194,
    user({
      type: "document",
      citations: { enabled: true },
      source: { type: "text", media_type: "text/plain", data: text.text }
    })
  ],
  ["thinking with its text", 4, 50, user({ type: "thinking", thinking: text.text, signature: "s".repeat(600) })],
  ["thinking without its text", 100, 632, user({ type: "thinking", thinking: "", signature: "s".repeat(600) })],
  ["redacted thinking", 100, 632, user({ type: "redacted_thinking", data: "s".repeat(600) })],
  // {"a":1} has seven signs: a word and six halves.
  ["a call of a tool", 35, 250, user({ type: "tool_use", id: "toolu_1", name: "tool", input: { a: 1 } })],
  ["a result of a tool", 34, 250, user({ type: "tool_result", tool_use_id: "toolu_1", content: text.text })],
  ["a result in blocks", 34, 282, user({ type: "tool_result", tool_use_id: "toolu_1", content: [text] })],
  ["a search result", 6, 93, user({ type: "search_result", title: "title", source: "source", content: [text] })],
  ["thinking with a budget", 29, 200, { thinking: { type: "enabled", budget_tokens: 1024 } }],
  ["thinking without a budget", 0, 0, { thinking: { type: "adaptive" } }],
  // {"type":"object"} has two words and seven signs.
  ["a schema", 151, 1034, { output_config: { format: { type: "json_schema", schema } } }],
  ["a tool", 526, 1366, { tools: [{ name: "tool", description: "four words of text", input_schema: schema }] }],
  [
    "a tool that is forced",
    618,
    1366,
    { tools: [{ name: "tool", description: "four words of text", input_schema: schema }], tool_choice: { type: "any" } }
  ]
]

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

describe("the parts of a request", () => {
  it.each(parts)("%s: %i tokens to expect, and at most %i", (_, expected, most, fields) => {
    const whole = { ...smallest, ...fields }
    assert.strictEqual(TokenEstimate.of(whole) - TokenEstimate.of(smallest), expected)
    assert.strictEqual((TokenEstimate.bound(whole) ?? NaN) - bounded(smallest), most)
  })

  it("counts a tool of Anthropic's by its type, and no more than the context window for it", () => {
    const tools = [{ type: "bash_20250124", name: "bash" }] as const
    assert.strictEqual(TokenEstimate.of({ ...smallest, tools: [...tools] }) - TokenEstimate.of(smallest), 496 + 245)
    assert.strictEqual(TokenEstimate.bound({ ...smallest, tools: [...tools] }), 1_000_000)
  })

  it("counts a PDF as a page for every 100 KB", () => {
    const pdf = (bytes: number): Request => ({ ...smallest, messages: [{ role: "user", content: [document(bytes)] }] })
    const none = TokenEstimate.of({ ...smallest, messages: [{ role: "user", content: [] }] })
    assert.deepStrictEqual(
      [18_000, 300_000].map((bytes) => TokenEstimate.of(pdf(bytes)) - none),
      [2700, 3 * 2700]
    )
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

  it("is the context window for what the request does not contain: tools loaded later, and a kept conversation", () => {
    const [tool] = weather
    assert.strictEqual(TokenEstimate.bound({ ...request, tools: [{ ...tool, defer_loading: true }] }), 1_000_000)
    const thread = { type: "continue", previous_message_id: "msg_1" } as const
    assert.strictEqual(TokenEstimate.bound({ ...request, thread }), 1_000_000)
    assert.isBelow(bounded({ ...request, thread: { type: "create" } }), 1000)
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
