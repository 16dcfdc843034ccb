import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import * as Request from "../../src/claude/Request.ts"
import { request } from "../fixtures.ts"

describe("resolve", () => {
  it.effect("makes a user message of a text, for the default model", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Request.resolve("Hi"), {
        model: "claude-sonnet-5-5",
        max_tokens: 4096,
        messages: [{ role: "user", content: "Hi" }]
      })
    })
  )

  it.effect("fills in what a prompt leaves to Defaults, and nothing else", () =>
    Effect.gen(function* () {
      const messages = request.messages
      const resolved = yield* Effect.all([
        Request.resolve({ messages }),
        Request.resolve({ messages, max_tokens: 1 }),
        Request.resolve({ messages, model: "claude-haiku-5-5", system: "Be brief." })
      ]).pipe(Effect.provideService(Request.Defaults, { model: "claude-opus-5-5", max_tokens: 8192 }))
      assert.deepStrictEqual(resolved, [
        { messages, model: "claude-opus-5-5", max_tokens: 8192 },
        { messages, model: "claude-opus-5-5", max_tokens: 1 },
        { messages, model: "claude-haiku-5-5", max_tokens: 8192, system: "Be brief." }
      ])
    })
  )
})

describe("two requests have the same hash", () => {
  it.prop("whatever the order of their keys", [Schema.Array(Schema.Finite)], ([order]) => {
    assert.strictEqual(Request.hash(shuffled(rich, order)), Request.hash(rich))
  })

  it.prop("wherever cache breakpoints stand", [Schema.Array(Schema.Boolean)], ([where]) => {
    assert.strictEqual(Request.hash(withBreakpoints(rich, where)), Request.hash(rich))
  })

  it("whether a system prompt or a message is a text or one block of it", () => {
    const block = (text: string) => [{ type: "text" as const, text, cache_control: { type: "ephemeral" as const } }]
    const texts = { ...request, system: "Be brief.", messages: [{ role: "user" as const, content: "Hi" }] }
    const blocks = {
      ...request,
      system: block("Be brief."),
      messages: [{ role: "user" as const, content: block("Hi") }]
    }
    assert.strictEqual(Request.hash(blocks), Request.hash(texts))
  })

  it("whatever their headers, metadata and automatic cache are", () => {
    const other: Request.Request = {
      ...rich,
      headers: { "x-tenant": "t1" },
      metadata: { user_id: "u1" },
      cache_control: { type: "ephemeral", ttl: "1h" }
    }
    assert.strictEqual(Request.hash(other), Request.hash(rich))
  })

  it("whether a list is empty or absent, and the system prompt too", () => {
    const empty = { ...rich, stop_sequences: [], betas: [] }
    assert.strictEqual(
      Request.hash({ ...Struct.omit(empty, ["system"]), system: "" }),
      Request.hash(Struct.omit(rich, ["system", "stop_sequences", "betas"]))
    )
  })

  it("whether a field is absent or undefined", () => {
    // A caller without `exactOptionalPropertyTypes` can write this.
    const other = { ...rich, system: undefined } as unknown as Request.Request
    const { system: _, ...without } = rich
    assert.strictEqual(Request.hash(other), Request.hash(without))
  })
})

describe("two requests have different hashes", () => {
  it.each<[string, Partial<Request.Request>]>([
    ["model", { model: "claude-opus-5-5" }],
    ["max_tokens", { max_tokens: 101 }],
    ["system", { system: "Be long." }],
    ["stop sequences", { stop_sequences: ["a", "b", "d"] }],
    ["order of stop sequences", { stop_sequences: ["c", "b", "a"] }],
    ["betas", { betas: ["context-1m-2025-08-07"] }],
    ["thinking", { thinking: { type: "adaptive" } }],
    ["effort", { output_config: { effort: "low" } }],
    ["tool choice", { tool_choice: { type: "none" } }],
    ["tools", { tools: [] }],
    ["context management of the beta API", { context_management: { edits: [] } }],
    ["role", { messages: [{ role: "assistant", content: "Hi" }] }],
    ["messages", { messages: [...request.messages, ...request.messages] }]
  ])("if they differ in %s", (_, change) => {
    assert.notStrictEqual(Request.hash({ ...rich, ...change }), Request.hash(rich))
  })

  it("if a text is in two blocks, or its block says more than the text", () => {
    const hashOf = (...content: ReadonlyArray<object>) =>
      Request.hash({ ...request, system: content.map((block) => ({ type: "text", text: "Be brief.", ...block })) })
    const citation = { citations: [{ type: "search_result_location" }] }
    const hashes = [hashOf({}), hashOf({}, {}), hashOf({ text: "Be brief.Be brief." }), hashOf(citation)]
    assert.strictEqual(new Set(hashes).size, 4)
  })

  it.prop("if the text differs", [Schema.String, Schema.String], ([one, other]) => {
    const same = Request.hash(asking(one)) === Request.hash(asking(other))
    assert.strictEqual(same, one === other)
  })

  it("if a tool was called with something named cache_control", () => {
    const called = (input: object) =>
      Request.hash({
        ...rich,
        messages: [{ role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "find", input }] }]
      })
    assert.notStrictEqual(called({ a: 1, cache_control: { type: "ephemeral" } }), called({ a: 1 }))
    assert.strictEqual(called({ a: 1, b: 2 }), called({ b: 2, a: 1 }))
  })

  it("if a tool has a parameter named cache_control", () => {
    const withParameters = (properties: object) =>
      Request.hash({ ...request, tools: [{ name: "f", input_schema: { type: "object", properties } }] })
    assert.notStrictEqual(withParameters({ cache_control: { type: "string" } }), withParameters({}))
  })
})

describe("canonical", () => {
  it("is a text that a person can compare", () => {
    assert.strictEqual(
      Request.canonical({ ...request, headers: { "x-tenant": "t1" } }),
      `{"max_tokens":100,"messages":[{"content":"Hi","role":"user"}],"model":"claude-sonnet-5-5"}`
    )
  })

  it("is hashed with SHA-256", () => {
    const expected = createHash("sha256").update(Request.canonical(request)).digest("hex")
    assert.strictEqual(Request.hash(request), expected)
  })
})

// Builders

const rich: Request.Request = {
  model: "claude-sonnet-5-5",
  max_tokens: 100,
  system: [{ type: "text", text: "Be brief." }],
  messages: [
    {
      role: "user",
      content: [
        { type: "text", text: "What is in it?" },
        { type: "image", source: { type: "url", url: "https://example.com/a.png" } }
      ]
    },
    { role: "assistant", content: [{ type: "tool_use", id: "t1", name: "find", input: { b: [{ y: 1, x: 2 }], a: 3 } }] }
  ],
  tools: [{ name: "find", input_schema: { type: "object", properties: { b: {}, a: {} } } }],
  stop_sequences: ["a", "b", "c"]
}

const asking = (content: string): Request.Request => ({ ...request, messages: [{ role: "user", content }] })

/** The same value, with the entries of every object in it changed. */
const rewritten = <A>(value: A, change: (entries: Array<[string, unknown]>) => Array<[string, unknown]>): A => {
  const rewrite = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(rewrite)
    if (!Predicate.isObject(part)) return part
    return Object.fromEntries(change(Object.entries(part).map(([key, inner]) => [key, rewrite(inner)])))
  }
  // The changes below keep the type: they reorder keys, or add `cache_control`.
  return rewrite(value) as A
}

const shuffled = <A>(value: A, order: ReadonlyArray<number>): A => {
  let next = 0
  return rewritten(value, (entries) =>
    entries
      .map((entry) => ({ entry, rank: order[next++ % order.length] ?? 0 }))
      .toSorted((one, other) => one.rank - other.rank)
      .map(({ entry }) => entry)
  )
}

const withBreakpoints = <A>(value: A, where: ReadonlyArray<boolean>): A => {
  let next = 0
  return rewritten(value, (entries) => {
    const isBlock = entries.some(([key]) => key === "type" || key === "input_schema")
    return isBlock && where[next++ % where.length] ? [...entries, ["cache_control", { type: "ephemeral" }]] : entries
  })
}
